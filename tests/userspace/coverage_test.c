// SPDX-License-Identifier: GPL-2.0
/*
 * What of modules made by hand can be guarded
 */
#include "unit.h"

#include "coverage.h"
#include "crafted.h"

FIXTURE(coverage)
{
	struct crafted crafted;
	struct elf_module module;
	struct coverage coverage;
	struct bytes bytes;
	struct reason why;
};

FIXTURE_SETUP(coverage)
{
	craft(&self->crafted);
}

FIXTURE_TEARDOWN(coverage)
{
	coverage_free(&self->coverage);
	elf_module_close(&self->module);
	bytes_free(&self->bytes);
}

#define FIND() ({							\
	self->bytes = builder_finish(&self->crafted.builder);		\
	ASSERT_TRUE(elf_module_open(&self->module, &self->bytes,	\
				    &self->why)) {			\
		TH_LOG("%s", self->why.text);				\
	}								\
	coverage_find(&self->module, &self->coverage, &self->why);	\
})

static const struct function *function(const struct coverage *coverage,
				       const char *name)
{
	size_t i;

	for (i = 0; i < coverage->nr_functions; i++) {
		if (!strcmp(coverage->functions[i].name, name))
			return &coverage->functions[i];
	}
	return NULL;
}

TEST_F(coverage, each_function_has_its_fate)
{
	static const struct {
		const char *name;
		enum fate fate;
		u32 returns;
		u32 tail_calls;
	} expected[] = {
		{ "plain", FATE_GUARDABLE, 1, 0 },
		{ "bare", FATE_GUARDABLE, 1, 0 },
		{ "tail", FATE_GUARDABLE, 1, 1 },
		{ "assembly", FATE_NO_FENTRY, 1, 0 },
		{ "only_tail", FATE_NO_RETURN, 0, 1 },
		{ "unlisted", FATE_UNLISTED, 0, 0 },
		{ "odd", FATE_BAD_RETURN, 1, 0 },
		{ "no_slot", FATE_BAD_FENTRY, 1, 0 },
		{ "split", FATE_GUARDABLE, 1, 0 },
		{ "init", FATE_INIT, 1, 0 },
	};
	size_t i;

	ASSERT_TRUE(FIND());
	EXPECT_STREQ("crafted", self->module.name);
	EXPECT_EQ(ARRAY_SIZE(expected), self->coverage.nr_functions);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct function *f = function(&self->coverage,
						    expected[i].name);

		ASSERT_NE(NULL, f);
		EXPECT_EQ(expected[i].fate, f->fate) {
			TH_LOG("%s: %s", f->name, fate_name(f->fate));
		}
		EXPECT_EQ(expected[i].returns, f->returns);
		EXPECT_EQ(expected[i].tail_calls, f->tail_calls);
	}
}

TEST_F(coverage, sums_are_sums)
{
	ASSERT_TRUE(FIND());
	EXPECT_EQ(4, self->coverage.sums.functions[FATE_GUARDABLE]);
	EXPECT_EQ(4, self->coverage.sums.returns[FATE_GUARDABLE]);
	EXPECT_EQ(1, self->coverage.sums.returns[FATE_INIT]);
	/* All that are listed, but for init's */
	EXPECT_EQ(7, coverage_staying_returns(&self->coverage.sums));
}

TEST_F(coverage, cold_part_without_function_is_one)
{
	self->crafted.builder.symbol_names[self->crafted.builder.nr_symbols - 2] =
		"elsewhere.cold";
	ASSERT_TRUE(FIND());
	ASSERT_NE(NULL, function(&self->coverage, "elsewhere.cold"));
	EXPECT_EQ(FATE_NO_FENTRY,
		  function(&self->coverage, "elsewhere.cold")->fate);
	EXPECT_EQ(FATE_NO_RETURN, function(&self->coverage, "split")->fate);
}

/* The nearest "plain" before it in the table, where several are called so */
TEST_F(coverage, cold_part_of_one_of_two)
{
	struct module_builder *builder = &self->crafted.builder;
	size_t i;

	for (i = 0; i < builder->nr_symbols; i++) {
		if (!strcmp(builder->symbol_names[i], "split"))
			builder->symbol_names[i] = "plain";
		if (!strcmp(builder->symbol_names[i], "split.cold"))
			builder->symbol_names[i] = "plain.cold";
	}
	ASSERT_TRUE(FIND());
	for (i = 0; i < self->coverage.nr_functions; i++) {
		if (!strcmp(self->coverage.functions[i].name, "plain"))
			EXPECT_EQ(1, self->coverage.functions[i].returns);
	}
	EXPECT_EQ(NULL, function(&self->coverage, "plain.cold"));
}

/* Names that make two functions each other's cold part */
TEST_F(coverage, cold_parts_in_a_circle)
{
	struct module_builder *builder = &self->crafted.builder;

	builder_symbol(builder, "tail.cold", STT_FUNC, self->crafted.text, 0,
		       16);
	builder_symbol(builder, "plain.cold", STT_FUNC, self->crafted.text,
		       0x20, 16);
	ASSERT_TRUE(FIND());
}

TEST_F(coverage, alias_is_no_second_function)
{
	builder_symbol(&self->crafted.builder, "alias", STT_FUNC,
		       self->crafted.text, 0x10, 16);
	builder_symbol(&self->crafted.builder, "__pfx_bare", STT_FUNC,
		       self->crafted.text, 0x08, 8);
	ASSERT_TRUE(FIND());
	EXPECT_EQ(10, self->coverage.nr_functions);
}

TEST_F(coverage, a_site_belongs_to_the_innermost_function)
{
	builder_symbol(&self->crafted.builder, "all", STT_FUNC,
		       self->crafted.text, 0, 0x90);
	builder_symbol(&self->crafted.builder, "inner", STT_FUNC,
		       self->crafted.text, 0x12, 2);
	ASSERT_TRUE(FIND());
	EXPECT_EQ(0, function(&self->coverage, "all")->returns);
	EXPECT_EQ(0, function(&self->coverage, "inner")->returns);
	EXPECT_EQ(1, function(&self->coverage, "bare")->returns);
}

TEST_F(coverage, a_site_beyond_its_function_is_unknown)
{
	struct module_builder *builder = &self->crafted.builder;
	size_t i;

	for (i = 0; i < builder->nr_symbols; i++) {
		if (!strcmp(builder->symbol_names[i], "bare"))
			builder->symbols[i].st_size = 9;
	}
	ASSERT_TRUE(FIND());
	EXPECT_EQ(FATE_BAD_RETURN, function(&self->coverage, "bare")->fate);
}

TEST_F(coverage, a_site_in_no_function_is_counted)
{
	struct module_builder *builder = &self->crafted.builder;
	size_t i;

	for (i = 0; i < builder->nr_symbols; i++) {
		if (!strcmp(builder->symbol_names[i], "bare"))
			builder->symbols[i].st_size = 5;
	}
	ASSERT_TRUE(FIND());
	EXPECT_EQ(1, self->coverage.sums.stray_returns);
	EXPECT_EQ(7, coverage_staying_returns(&self->coverage.sums));
}

TEST_F(coverage, sites_that_overlap_are_unknown)
{
	struct module_builder *builder = &self->crafted.builder;
	size_t returns = self->crafted.returns;

	builder_relocate(builder, returns, builder->sections[returns].sh_size,
			 R_X86_64_PC32, self->crafted.text_symbol, 0x17);
	builder->sections[returns].sh_size += 4;
	ASSERT_TRUE(FIND());
	EXPECT_EQ(FATE_BAD_RETURN, function(&self->coverage, "bare")->fate);
}

TEST_F(coverage, without_the_list_nothing_is_known)
{
	self->crafted.builder.names[self->crafted.returns] = ".other";
	ASSERT_TRUE(FIND());
	EXPECT_EQ(FATE_NO_LIST, function(&self->coverage, "bare")->fate);
	EXPECT_EQ(FATE_NO_LIST, function(&self->coverage, "only_tail")->fate);
}

TEST_F(coverage, entry_without_relocation_is_refused)
{
	self->crafted.builder.sections[self->crafted.mcount].sh_size += 8;
	ASSERT_FALSE(FIND());
	EXPECT_STREQ("malformed: an entry of __mcount_loc has no relocation",
		     self->why.text);
}

TEST_F(coverage, site_outside_code_is_refused)
{
	struct module_builder *builder = &self->crafted.builder;
	size_t returns = self->crafted.returns;

	builder_relocate(builder, returns, builder->sections[returns].sh_size,
			 R_X86_64_PC32, self->crafted.text_symbol, 0x1000);
	builder->sections[returns].sh_size += 4;
	ASSERT_FALSE(FIND());
	EXPECT_STREQ("malformed: an entry of .return_sites is not about code",
		     self->why.text);
}

TEST_HARNESS_MAIN
