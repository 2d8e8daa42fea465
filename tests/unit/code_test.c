// SPDX-License-Identifier: GPL-2.0
/*
 * Classes of memory, and what becomes code
 */
#include "unit.h"

#include "code.h"

#define R	1
#define W	2
#define XS	4
#define XU	8

TEST(rights_of_each_class)
{
	static const u8 want[] = {
		[CLASS_DATA] = R | W | XU,
		[CLASS_CODE] = R | XS,
		[CLASS_DYNAMIC] = R | XS,
		[CLASS_RODATA] = R | XU,
		[CLASS_TABLE] = R,
		[CLASS_RELEASED] = R,
		[CLASS_FIRMWARE] = R | W | XS,
		[CLASS_OPENED] = R | W | XS | XU,
		[CLASS_SHADOW] = R,
	};
	enum page_class class;

	ASSERT_EQ(CLASS_COUNT, ARRAY_SIZE(want));
	for (class = 0; class < CLASS_COUNT; class++) {
		struct class_rights r = class_rights(class);

		EXPECT_EQ(want[class], (r.read ? R : 0) | (r.write ? W : 0) |
				       (r.kernel_exec ? XS : 0) |
				       (r.user_exec ? XU : 0));
	}
}

/* What nobody has said anything of is data, and an EPT entry has four bits */
TEST(classes_fit_where_they_are_kept)
{
	EXPECT_EQ(0, CLASS_DATA);
	EXPECT_LE(CLASS_COUNT, 16);
}

TEST(what_is_written_and_run)
{
	enum page_class class;

	for (class = 0; class < CLASS_COUNT; class++) {
		struct class_rights r = class_rights(class);

		/* EPT has no page that can be written and not be read */
		EXPECT_TRUE(r.read);
		EXPECT_EQ(class == CLASS_OPENED || class == CLASS_FIRMWARE,
			  r.write && r.kernel_exec);
		/* What user mode runs, kernel mode does not */
		if (r.kernel_exec && class != CLASS_OPENED)
			EXPECT_FALSE(r.user_exec);
	}
}

/* A released page may do no more than before and after: no CPU gains early */
TEST(released_pages_have_what_code_and_data_share)
{
	struct class_rights r = class_rights(CLASS_RELEASED);

	EXPECT_FALSE(r.write);
	EXPECT_FALSE(r.kernel_exec);
	EXPECT_FALSE(r.user_exec);
}

TEST(new_code_is_what_linux_makes_and_nothing_else)
{
	u32 i, accepted = 0;

	/* Each bit of @i, and each class, is one of the things that matter */
	for (i = 0; i < CLASS_COUNT << 6; i++) {
		const struct fetch fetch = {
			.writable = i & 1,
			.user = i & 2,
			.in_range = i & 4,
			.cpl = i >> 3 & 3,
			.class = i >> 6,
		};
		enum dynamic_code policy = i & 32 ? DYNAMIC_CODE_DENY :
						    DYNAMIC_CODE_SEAL;
		bool want = fetch.class == CLASS_DATA && (i & 63) == 4;

		ASSERT_EQ(want, fetch_is_new_code(&fetch, policy));
		accepted += want;
	}
	EXPECT_EQ(1, accepted);
}

TEST_HARNESS_MAIN
