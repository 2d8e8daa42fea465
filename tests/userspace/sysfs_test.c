// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the tree, in a directory that looks like it
 */
#include <errno.h>

#include "unit.h"

#include "sysfs.h"
#include "tree.h"

FIXTURE(tree)
{
	char root[TREE_ROOT];
};

FIXTURE_SETUP(tree)
{
	tree_make(self->root);
	sysfs_root = self->root;
	tree_put(self->root, "state", "attached\n");
	tree_put(self->root, "events", "register 3\nmissed 0\nnonsense\n");
	tree_put(self->root, "policy/registers", "on\n");
	tree_put(self->root, "policy/action", "block\n");
	tree_put(self->root, "stats/ept_4k", "12\n");
	tree_put(self->root, "stats/cpu0/attach_ns", "5000\n");
	tree_put(self->root, "stats/cpu0/nmis_injected", "1\n");
	tree_put(self->root, "stats/cpu1/nmis_injected", "18446744073709551000\n");
	tree_put(self->root, "stats/cpu0/exits/cpuid", "7\n");
	tree_put(self->root, "stats/cpu1/exits/cpuid", "8\n");
	tree_put(self->root, "stats/cpu11/exits/cpuid", "9\n");
	tree_put(self->root, "stats/cpu1/exits/nmi", "1\n");
}

FIXTURE_TEARDOWN(tree)
{
	tree_remove(self->root);
}

TEST_F(tree, files)
{
	char value[SYSFS_VALUE];

	EXPECT_TRUE(sysfs_is_there());
	EXPECT_TRUE(sysfs_read("state", value, sizeof(value)));
	EXPECT_STREQ("attached", value);
	EXPECT_FALSE(sysfs_read("gone", value, sizeof(value)));
	EXPECT_STREQ("", value);
	EXPECT_FALSE(sysfs_read("policy", value, sizeof(value)));
	sysfs_root = "/nonexistent";
	EXPECT_FALSE(sysfs_is_there());
}

TEST_F(tree, lines)
{
	struct pairs pairs;

	sysfs_lines("events", &pairs);
	ASSERT_EQ(2, pairs.count);
	EXPECT_EQ(3, pair_number(pairs_find(&pairs, "register")));
	EXPECT_EQ(0, pair_number(pairs_find(&pairs, "stack")));
	pairs_free(&pairs);
	sysfs_lines("gone", &pairs);
	EXPECT_EQ(0, pairs.count);
	pairs_free(&pairs);
}

/* By name, and without what is no file */
TEST_F(tree, directories)
{
	struct pairs pairs;

	sysfs_directory("policy", &pairs);
	ASSERT_EQ(2, pairs.count);
	EXPECT_STREQ("action", pairs.pair[0].name);
	EXPECT_STREQ("block", pairs.pair[0].value);
	EXPECT_STREQ("registers", pairs.pair[1].name);
	pairs_free(&pairs);
	sysfs_directory("stats", &pairs);
	ASSERT_EQ(1, pairs.count);
	EXPECT_STREQ("ept_4k", pairs.pair[0].name);
	pairs_free(&pairs);
}

TEST_F(tree, sums_over_cpus)
{
	struct pairs pairs;

	sysfs_exits(&pairs);
	ASSERT_EQ(2, pairs.count);
	EXPECT_EQ(24, pair_number(pairs_find(&pairs, "cpuid")));
	EXPECT_EQ(1, pair_number(pairs_find(&pairs, "nmi")));
	pairs_free(&pairs);
	sysfs_cpu_sums(&pairs);
	ASSERT_EQ(1, pairs.count);
	EXPECT_EQ(18446744073709551001ULL, pair_number(pairs.pair));
	pairs_free(&pairs);
}

TEST_F(tree, writing)
{
	char value[SYSFS_VALUE];

	EXPECT_EQ(0, sysfs_write("policy", "action", "panic"));
	sysfs_read("policy/action", value, sizeof(value));
	EXPECT_EQ(0, strncmp("panic", value, 5));
	EXPECT_EQ(ENOENT, sysfs_write("policy", "gone", "1"));
}

TEST_HARNESS_MAIN
