// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: unit tests of the choice of the event that an entry delivers
 */
#include "unit.h"

#include "event.h"
#include "vmcs.h"
#include "x86.h"

#define info(type, vector)	(INTR_INFO_VALID | \
				 (u32)(type) << INTR_INFO_TYPE_SHIFT | (vector))

static struct event_plan plan(struct event_input in)
{
	struct event_plan out;

	memset(&out, 0xff, sizeof(out));
	event_plan(&in, &out);
	return out;
}

#define NMI_INFO	info(INTR_TYPE_NMI, VECTOR_NMI)
#define FAULT(v)	info(INTR_TYPE_HARD_EXCEPTION, (v))
#define FAULT_CODE(v)	(FAULT(v) | INTR_INFO_DELIVER_ERROR_CODE)

TEST(nothing_to_deliver)
{
	struct event_plan out = plan((struct event_input){
		.interruptibility = INTERRUPTIBILITY_STI });

	EXPECT_EQ(0, out.intr_info);
	EXPECT_EQ(INTERRUPTIBILITY_STI, out.interruptibility);
	EXPECT_FALSE(out.nmi_window);
	EXPECT_EQ(0, out.nmi_delta);
	EXPECT_FALSE(out.set_rf);
}

TEST(an_interrupted_interrupt_goes_again)
{
	struct event_plan out = plan((struct event_input){
		.vectoring_info = info(INTR_TYPE_EXT_INTR, 0x31) |
				  INTR_INFO_NMI_UNBLOCKING });

	EXPECT_EQ(info(INTR_TYPE_EXT_INTR, 0x31), out.intr_info);
	EXPECT_EQ(0, out.instruction_len);
	EXPECT_FALSE(out.set_rf);
}

TEST(an_interrupted_fault_goes_again_with_its_code)
{
	struct event_plan out = plan((struct event_input){
		.vectoring_info = FAULT_CODE(VECTOR_PF),
		.vectoring_error = 0x17 });

	EXPECT_EQ(FAULT_CODE(VECTOR_PF), out.intr_info);
	EXPECT_EQ(0x17, out.error_code);
}

TEST(software_events_go_again_with_their_length)
{
	static const enum intr_type software[] = {
		INTR_TYPE_SOFT_INTR, INTR_TYPE_PRIV_SW_EXCEPTION,
		INTR_TYPE_SOFT_EXCEPTION,
	};
	struct event_plan out;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(software); i++) {
		out = plan((struct event_input){
			.vectoring_info = info(software[i], 3),
			.instruction_len = 2 });
		EXPECT_EQ(info(software[i], 3), out.intr_info);
		EXPECT_EQ(2, out.instruction_len);
	}
}

TEST(an_interrupted_nmi_goes_again_unblocked)
{
	struct event_plan out = plan((struct event_input){
		.vectoring_info = NMI_INFO,
		.interruptibility = INTERRUPTIBILITY_NMI });

	EXPECT_EQ(NMI_INFO, out.intr_info);
	EXPECT_EQ(0, out.interruptibility);
	EXPECT_FALSE(out.nmi_injected);
	EXPECT_EQ(0, out.nmi_delta);
}

TEST(an_exception_is_delivered_with_rf)
{
	struct event_plan out = plan((struct event_input){
		.exception = { true, true, VECTOR_GP, 0x28 } });

	EXPECT_EQ(FAULT_CODE(VECTOR_GP), out.intr_info);
	EXPECT_EQ(0x28, out.error_code);
	EXPECT_TRUE(out.set_rf);

	out = plan((struct event_input){
		.exception = { true, false, VECTOR_UD, 0 } });
	EXPECT_EQ(FAULT(VECTOR_UD), out.intr_info);
}

/* SDM 3A, table 6-5, the row and column of what an exit can raise: #GP */
TEST(an_exception_during_delivery)
{
	static const struct {
		u32 first;
		u32 becomes;
	} table[] = {
		{ FAULT_CODE(VECTOR_GP), FAULT_CODE(VECTOR_DF) },
		{ FAULT_CODE(VECTOR_SS), FAULT_CODE(VECTOR_DF) },
		{ FAULT_CODE(VECTOR_NP), FAULT_CODE(VECTOR_DF) },
		{ FAULT_CODE(VECTOR_TS), FAULT_CODE(VECTOR_DF) },
		{ FAULT_CODE(VECTOR_CP), FAULT_CODE(VECTOR_DF) },
		{ FAULT(VECTOR_DE), FAULT_CODE(VECTOR_DF) },
		{ FAULT_CODE(VECTOR_PF), FAULT_CODE(VECTOR_DF) },
		{ FAULT(VECTOR_UD), FAULT_CODE(VECTOR_GP) },
		{ FAULT(VECTOR_DB), FAULT_CODE(VECTOR_GP) },
		{ info(INTR_TYPE_EXT_INTR, 0x31), FAULT_CODE(VECTOR_GP) },
		{ info(INTR_TYPE_SOFT_INTR, 0x80), FAULT_CODE(VECTOR_GP) },
	};
	struct event_plan out;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		out = plan((struct event_input){
			.vectoring_info = table[i].first,
			.vectoring_error = 0x55,
			.exception = { true, true, VECTOR_GP, 0 } });
		EXPECT_EQ(table[i].becomes, out.intr_info);
		EXPECT_EQ(0, out.error_code);
		EXPECT_FALSE(out.triple_fault);
	}
}

TEST(an_exception_during_a_double_fault_is_the_end)
{
	struct event_plan out = plan((struct event_input){
		.vectoring_info = FAULT_CODE(VECTOR_DF),
		.nmi_pending = 1, .mc_pending = true,
		.exception = { true, true, VECTOR_GP, 0 } });

	EXPECT_TRUE(out.triple_fault);
	EXPECT_EQ(0, out.intr_info);
}

TEST(an_nmi_that_gives_way_comes_back)
{
	struct event_plan out = plan((struct event_input){
		.vectoring_info = NMI_INFO,
		.interruptibility = INTERRUPTIBILITY_NMI,
		.exception = { true, true, VECTOR_GP, 0 } });

	EXPECT_EQ(FAULT_CODE(VECTOR_GP), out.intr_info);
	EXPECT_EQ(1, out.nmi_delta);
	EXPECT_TRUE(out.nmi_window);
	EXPECT_EQ(0, out.interruptibility);
}

TEST(an_nmi_is_handed_on)
{
	struct event_plan out = plan((struct event_input){ .nmi_pending = 1 });

	EXPECT_EQ(NMI_INFO, out.intr_info);
	EXPECT_TRUE(out.nmi_injected);
	EXPECT_EQ(-1, out.nmi_delta);
	EXPECT_FALSE(out.nmi_window);
}

TEST(a_second_nmi_waits_and_a_third_is_lost)
{
	struct event_plan out = plan((struct event_input){ .nmi_pending = 2 });

	EXPECT_EQ(NMI_INFO, out.intr_info);
	EXPECT_EQ(-1, out.nmi_delta);
	EXPECT_TRUE(out.nmi_window);

	out = plan((struct event_input){ .nmi_pending = 3 });
	EXPECT_EQ(-2, out.nmi_delta);
	EXPECT_TRUE(out.nmi_window);
}

TEST(an_nmi_waits_while_blocked)
{
	static const u32 blocked[] = {
		INTERRUPTIBILITY_NMI, INTERRUPTIBILITY_STI,
		INTERRUPTIBILITY_MOV_SS,
	};
	struct event_plan out;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocked); i++) {
		out = plan((struct event_input){
			.interruptibility = blocked[i], .nmi_pending = 1 });
		EXPECT_EQ(0, out.intr_info);
		EXPECT_EQ(0, out.nmi_delta);
		EXPECT_TRUE(out.nmi_window);
		EXPECT_EQ(blocked[i], out.interruptibility);
	}

	/* In the handler of one NMI, one more is latched, as on a bare CPU. */
	out = plan((struct event_input){
		.interruptibility = INTERRUPTIBILITY_NMI, .nmi_pending = 2 });
	EXPECT_EQ(-1, out.nmi_delta);
}

TEST(an_nmi_waits_for_what_was_interrupted)
{
	struct event_plan out = plan((struct event_input){
		.vectoring_info = info(INTR_TYPE_EXT_INTR, 0x31),
		.nmi_pending = 1 });

	EXPECT_EQ(info(INTR_TYPE_EXT_INTR, 0x31), out.intr_info);
	EXPECT_EQ(0, out.nmi_delta);
	EXPECT_TRUE(out.nmi_window);
}

/* A window that opens under STI blocking must not open again and again. */
TEST(an_nmi_window_ends_sti_blocking)
{
	struct event_plan out = plan((struct event_input){
		.interruptibility = INTERRUPTIBILITY_STI,
		.nmi_window = true, .nmi_pending = 1 });

	EXPECT_EQ(NMI_INFO, out.intr_info);
	EXPECT_EQ(0, out.interruptibility);
}

/* Entry with another event would lose the trap of a step over CPUID. */
TEST(a_debug_trap_goes_before_what_would_lose_it)
{
	struct event_plan out = plan((struct event_input){
		.debug_pending = PENDING_DBG_BS, .nmi_pending = 1 });

	EXPECT_EQ(FAULT(VECTOR_DB), out.intr_info);
	EXPECT_TRUE(out.debug_injected);
	EXPECT_FALSE(out.set_rf);
	EXPECT_EQ(0, out.nmi_delta);
	EXPECT_TRUE(out.nmi_window);

	out = plan((struct event_input){
		.debug_pending = PENDING_DBG_BS, .mc_pending = true });
	EXPECT_EQ(FAULT(VECTOR_DB), out.intr_info);
	EXPECT_FALSE(out.mc_injected);
	EXPECT_TRUE(out.nmi_window);

	/* Alone, the CPU delivers it, and MOV SS holds it back. */
	out = plan((struct event_input){ .debug_pending = PENDING_DBG_BS });
	EXPECT_EQ(0, out.intr_info);
	EXPECT_FALSE(out.debug_injected);
	out = plan((struct event_input){
		.debug_pending = PENDING_DBG_BS, .nmi_pending = 1,
		.interruptibility = INTERRUPTIBILITY_MOV_SS });
	EXPECT_EQ(0, out.intr_info);
	EXPECT_FALSE(out.debug_injected);
	EXPECT_TRUE(out.nmi_window);
}

TEST(a_debug_trap_says_why)
{
	struct debug_state s = {
		.dr6 = 0xffff0ff2, .dr7 = 0x2401, .debugctl = 0x803 };

	event_deliver_debug(&s, PENDING_DBG_BS);
	EXPECT_EQ(0xffff4ff0, s.dr6);
	EXPECT_EQ(0x401, s.dr7);
	EXPECT_EQ(0x800, s.debugctl);

	/* Breakpoints that matched, and whether any of them was enabled */
	s.dr6 = 0xffff0ff0;
	event_deliver_debug(&s, PENDING_DBG_ENABLED_BREAKPOINT | 5);
	EXPECT_EQ(0xffff0ff5, s.dr6);
	s.dr6 = 0xffff0ff0;
	event_deliver_debug(&s, PENDING_DBG_BS | 5);
	EXPECT_EQ(0xffff4ff0, s.dr6);

	s.dr6 = 0xffff0ff0;
	event_deliver_debug(&s, PENDING_DBG_BS | PENDING_DBG_RTM);
	EXPECT_EQ(0xfffe4ff0, s.dr6);
}

TEST(an_interrupted_iret_blocks_nmis_again)
{
	struct event_plan out = plan((struct event_input){
		.nmi_unblocked_by_iret = true, .nmi_pending = 1 });

	EXPECT_EQ(INTERRUPTIBILITY_NMI, out.interruptibility);
	EXPECT_EQ(0, out.intr_info);
	EXPECT_TRUE(out.nmi_window);

	/* The bit is undefined while an event was under delivery. */
	out = plan((struct event_input){
		.vectoring_info = FAULT_CODE(VECTOR_PF),
		.nmi_unblocked_by_iret = true });
	EXPECT_EQ(0, out.interruptibility);
}

TEST(a_machine_check_comes_before_an_nmi)
{
	struct event_plan out = plan((struct event_input){
		.mc_pending = true, .nmi_pending = 1 });

	EXPECT_EQ(FAULT(VECTOR_MC), out.intr_info);
	EXPECT_TRUE(out.mc_injected);
	EXPECT_FALSE(out.set_rf);
	EXPECT_TRUE(out.nmi_window);

	/* It waits for what was interrupted, but asks for an early exit. */
	out = plan((struct event_input){
		.vectoring_info = FAULT_CODE(VECTOR_PF), .mc_pending = true });
	EXPECT_FALSE(out.mc_injected);
	EXPECT_TRUE(out.nmi_window);
}

/*
 * Whatever comes: an entry is never asked for what the CPU refuses
 * (SDM 3C, 27.2.1.3 and 27.3.1.5), and no NMI is lost or doubled.
 */
TEST(random_events_make_valid_entries)
{
	static const u8 faults[] = {
		VECTOR_DE, VECTOR_DB, VECTOR_UD, VECTOR_GP, VECTOR_PF,
	};
	u64 rounds = fuzz_rounds(100000);

	while (rounds--) {
		struct event_input in = {
			.interruptibility = random_u64() & 0xb,
			.nmi_unblocked_by_iret = one_in(4),
			.nmi_window = one_in(4),
			.debug_pending = one_in(4) ? PENDING_DBG_BS : 0,
			.nmi_pending = random_below(4),
			.mc_pending = one_in(8),
			.instruction_len = 1 + random_below(15),
		};
		struct event_plan out;
		u32 waiting, type, total;

		if (one_in(2))
			in.vectoring_info = one_in(3) ? NMI_INFO :
				FAULT(faults[random_below(5)]);
		if (one_in(3))
			in.exception = (struct event_exception){
				true, true, VECTOR_GP, 0 };

		event_plan(&in, &out);
		if (out.triple_fault)
			continue;
		type = (out.intr_info & INTR_INFO_TYPE_MASK) >>
			INTR_INFO_TYPE_SHIFT;
		if ((out.intr_info & INTR_INFO_VALID) && type == INTR_TYPE_NMI) {
			ASSERT_EQ(0, out.interruptibility &
				     INTERRUPTIBILITY_NMI);
			if (out.nmi_injected)
				ASSERT_EQ(0, out.interruptibility &
					     INTERRUPTIBILITY_MOV_SS);
		}
		ASSERT_EQ(0, out.intr_info & INTR_INFO_NMI_UNBLOCKING);
		if (in.debug_pending)
			ASSERT_FALSE(out.nmi_injected);

		waiting = in.nmi_pending + out.nmi_delta;
		ASSERT_LE(waiting, 2);
		if (waiting)
			ASSERT_TRUE(out.nmi_window);
		total = in.nmi_pending +
			(in.exception.wanted && in.vectoring_info == NMI_INFO);
		ASSERT_LE(waiting + out.nmi_injected, total);
		if (total <= 1)
			ASSERT_EQ(total, waiting + out.nmi_injected);
	}
}

TEST(skipping_an_instruction)
{
	struct skip_state s = {
		.rip = 0xffffffffULL,
		.rflags = RFLAGS_FIXED | RFLAGS_RF,
		.interruptibility = INTERRUPTIBILITY_STI |
				    INTERRUPTIBILITY_MOV_SS |
				    INTERRUPTIBILITY_NMI,
	};
	struct skip_state s32 = s;

	event_skip_instruction(&s, 2, true);
	EXPECT_EQ(0x100000001ULL, s.rip);
	EXPECT_EQ(RFLAGS_FIXED, s.rflags);
	EXPECT_EQ(INTERRUPTIBILITY_NMI, s.interruptibility);
	EXPECT_EQ(0, s.pending_dbg);

	event_skip_instruction(&s32, 2, false);
	EXPECT_EQ(1, s32.rip);
}

TEST(skipping_an_instruction_while_stepping)
{
	struct skip_state s = { .rflags = RFLAGS_TF, .pending_dbg = 1 };

	event_skip_instruction(&s, 2, true);
	EXPECT_EQ(PENDING_DBG_BS | 1, s.pending_dbg);

	/* With BTF, only branches trap. */
	s = (struct skip_state){ .rflags = RFLAGS_TF, .debugctl = 2 };
	event_skip_instruction(&s, 2, true);
	EXPECT_EQ(0, s.pending_dbg);
}

TEST_HARNESS_MAIN
