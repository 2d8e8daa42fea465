// SPDX-License-Identifier: GPL-2.0
/*
 * Carapace: return guard: the words that the stubs compute with
 *
 * They are in the page of the code that reads them, for EPT guards frames and not
 * addresses: in a page of their own, who changes the guest's tables could have the
 * stubs read others. In the shadow view nothing but that one frame can be fetched, so
 * where the code is the words are, too. Root writes them there, past the guest's
 * tables; nobody else can. They lie in no cache line that is run. They could be, like
 * all of that page, but what they hold are addresses, which nobody chooses.
 *
 * Among them is a table of calls that lead to choke points, by name or by way of
 * another function that ends by jumping there. Whether something is such a call, and
 * lies in sealed code, takes root some thousand instructions, and an exit, so the stub
 * looks whether root has seen it already. It does not look at the call itself: that
 * could be anywhere. An entry is one word, for a CPU may read it while another is
 * writing: the address that is returned to in its lower half, the choke point in its
 * upper half, both without the upper halves, which are the same for all code. Its
 * place is made of both: where one choke point jumps to another one, both return to
 * the same address.
 * What was seen is true until Linux changes its code: then the whole table goes, before
 * that. It is full again after some calls.
 */
#include "cpu_ops.h"
#include "frozen_frames.h"
#include "stub_words.h"
#include "vcpu.h"
#include "window.h"

/* What fills the page: as a choke point, an address that is none of the core kernel's */
#define NO_CALLER	0xccccccccccccccccULL

static volatile u64 *word_at(struct vcpu *vcpu, u64 offset)
{
	const struct returns_config *config = &island.config.returns;

	return (u64 *)((u8 *)window_map(vcpu, config->stub_pa) +
		       config->stub_words + offset);
}

static void set(struct vcpu *vcpu, u64 offset, u64 value)
{
	*word_at(vcpu, offset) = value;
}

/**
 * stub_words_set() - tell the stubs where shadows are, and whether to freeze
 * @vcpu: the CPU
 *
 * Before the first function is guarded, which takes the window, and when the policy may
 * have changed.
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void stub_words_set(struct vcpu *vcpu)
{
	u64 freezing = island.policy.value[POLICY_FROZEN_FRAMES];

	set(vcpu, STUB_STACKS, island.config.returns.stacks);
	set(vcpu, STUB_WINDOW, island.config.returns.window);
	set(vcpu, STUB_REACH, WINDOW_SIZE);
	if (*word_at(vcpu, STUB_FREEZING) == freezing)
		return;
	if (freezing)
		frozen_frames_forget();
	set(vcpu, STUB_FREEZING, freezing);
}

/**
 * stub_callers_note() - a call leads to a choke point
 * @vcpu: the CPU
 * @address: where it returns to
 * @function: where the call in the choke point's slot returns to
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void stub_callers_note(struct vcpu *vcpu, u64 address, u64 function)
{
	u64 number = (address ^ function) % STUB_NR_CALLERS;

	set(vcpu, STUB_CALLERS + number * sizeof(u64),
	    function << 32 | (u32)address);
	island.stub_callers = true;
}

/**
 * stub_callers_forget() - code changes, and calls may lead elsewhere
 * @vcpu: the CPU
 *
 * Context: root, with the lock. Ends what the window showed.
 */
void stub_callers_forget(struct vcpu *vcpu)
{
	u32 i;

	if (!island.stub_callers)
		return;
	for (i = 0; i < STUB_NR_CALLERS; i++)
		set(vcpu, STUB_CALLERS + i * sizeof(u64), NO_CALLER);
	island.stub_callers = false;
}
