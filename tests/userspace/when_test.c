// SPDX-License-Identifier: GPL-2.0
/*
 * Points in time
 */
#include "unit.h"

#include "when.h"

#define NOW	1800000000000000LL

TEST(ago)
{
	s64 when;

	ASSERT_TRUE(when_parse("90s", NOW, &when));
	EXPECT_EQ(NOW - 90000000LL, when);
	ASSERT_TRUE(when_parse("2h", NOW, &when));
	EXPECT_EQ(NOW - 7200000000LL, when);
	ASSERT_TRUE(when_parse("1d", NOW, &when));
	EXPECT_EQ(NOW - 86400000000LL, when);
	ASSERT_TRUE(when_parse("0m", NOW, &when));
	EXPECT_EQ(NOW, when);
}

TEST(dates)
{
	char text[32];
	s64 when;

	setenv("TZ", "UTC", 1);
	ASSERT_TRUE(when_parse("2026-11-25 10:00", NOW, &when));
	EXPECT_EQ(1795600800000000LL, when);
	when_print(when, text, sizeof(text));
	EXPECT_STREQ("2026-11-25 10:00:00", text);
	ASSERT_TRUE(when_parse("2026-11-25T10:00:30", NOW, &when));
	EXPECT_EQ(1795600830000000LL, when);
	ASSERT_TRUE(when_parse("2026-11-25", NOW, &when));
	EXPECT_EQ(1795564800000000LL, when);
}

TEST(nonsense)
{
	static const char *const texts[] = {
		"", "s", "5", "5 m", "5mm", "-5m", "5w", "99999999999999d",
		"2026", "2026-11", "2026-11-25 10", "2026-11-25 10:00x",
		"yesterday",
	};
	size_t i;
	s64 when;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT_FALSE(when_parse(texts[i], NOW, &when)) {
			TH_LOG("'%s'", texts[i]);
		}
	}
}

TEST_HARNESS_MAIN
