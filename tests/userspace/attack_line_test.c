// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of the kernel's log: records, attacks, and names that pretend
 */
#include "unit.h"

#include "attack_line.h"
#include "kmsg.h"

#define FIRST	"carapace: ATTACK kind=register cpu=1 pid=744 comm="
#define REST	" context=task fn=native_write_msr_safe+0x8/0x40 [msr] register=IA32_EFER expected=0xd01 found=0x501 action=block"

static struct attack_line line;

TEST(a_line)
{
	ASSERT_TRUE(attack_line_parse(FIRST "attack" REST, &line));
	EXPECT_EQ(10, line.count);
	EXPECT_STREQ("register", attack_line_value(&line, "kind"));
	EXPECT_STREQ("744", attack_line_value(&line, "pid"));
	EXPECT_STREQ("attack", attack_line_value(&line, "comm"));
	EXPECT_STREQ("task", attack_line_value(&line, "context"));
	EXPECT_STREQ("native_write_msr_safe+0x8/0x40 [msr]",
		     attack_line_value(&line, "fn"));
	EXPECT_STREQ("block", attack_line_value(&line, "action"));
	EXPECT_STREQ("?", attack_line_value(&line, "slot"));
}

/* What a process calls itself cannot look like the rest of the line. */
TEST(names_that_pretend)
{
	static const char *const names[] = {
		"", " ", "two words", "context=init", " context=init",
		"a context=task", "pid=1", "x action=log", " fn=f+0/1 x=",
		"comm=carapace", "ATTACK kind=no",
	};
	char text[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_LE(strlen(names[i]), 15);
		snprintf(text, sizeof(text), "%s%s%s", FIRST, names[i], REST);
		ASSERT_TRUE(attack_line_parse(text, &line));
		EXPECT_STREQ(names[i], attack_line_value(&line, "comm"));
		EXPECT_STREQ("744", attack_line_value(&line, "pid"));
		EXPECT_STREQ("task", attack_line_value(&line, "context"));
		EXPECT_STREQ("block", attack_line_value(&line, "action"));
		EXPECT_EQ(10, line.count);
	}
}

TEST(other_lines)
{
	EXPECT_FALSE(attack_line_parse("", &line));
	EXPECT_FALSE(attack_line_parse("carapace: attached to CPUs 0-1", &line));
	EXPECT_FALSE(attack_line_parse("carapace: ATTACK ", &line));
	EXPECT_FALSE(attack_line_parse("x carapace: ATTACK kind=a", &line));
	EXPECT_STREQ("rip=0x1", attack_detail("carapace:   rip=0x1"));
	EXPECT_EQ(NULL, attack_detail("carapace: attached"));
}

TEST(lines_at_random)
{
	static const char alphabet[] = "ab=_- 0\\x";
	char text[600];
	u64 round;
	size_t i, size;

	for (round = 0; round < fuzz_rounds(20000); round++) {
		size = snprintf(text, sizeof(text), "carapace: ATTACK ") +
		       random_below(500);
		for (i = strlen(text); i < size; i++)
			text[i] = one_in(3) ? "comm= context="[i % 14] :
				  alphabet[random_below(sizeof(alphabet) - 1)];
		text[size] = 0;
		attack_line_parse(text, &line);
		ASSERT_LE(line.count, ATTACK_KEYS);
	}
}

static struct kmsg_record record;

static bool parse(const char *raw)
{
	return kmsg_parse(raw, strlen(raw), &record);
}

TEST(records)
{
	ASSERT_TRUE(parse("1,1234,5678901,-;carapace: ATTACK kind=a\n DEVICE=x\n"));
	EXPECT_TRUE(record.from_kernel);
	EXPECT_EQ(1234, record.sequence);
	EXPECT_EQ(5678901, record.usec);
	EXPECT_STREQ("carapace: ATTACK kind=a", record.text);

	ASSERT_TRUE(parse("6,1,2,-,caller=T1;a;b\n"));
	EXPECT_STREQ("a;b", record.text);
	EXPECT_FALSE(parse("no record\n"));
	EXPECT_FALSE(parse("1,2;x\n"));
	EXPECT_FALSE(parse(""));
}

TEST(records_of_processes)
{
	ASSERT_TRUE(parse("9,1,2,-;carapace: ATTACK kind=a\n"));
	EXPECT_FALSE(record.from_kernel);
}

TEST(escapes)
{
	ASSERT_TRUE(parse("1,1,2,-;a\\x0ab\\x5cx41\\xzz\\x4\n"));
	EXPECT_STREQ("a\nb\\x41\\xzz\\x4", record.text);
}

TEST_HARNESS_MAIN
