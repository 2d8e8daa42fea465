// SPDX-License-Identifier: GPL-2.0
/*
 * Compressed files: whole, cut off, damaged, and without their library
 *
 * The same text each time; made with xz, zstd and gzip.
 */
#include "unit.h"

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "bytes.h"

static const char text[] =
	"a module would be here, a module would be here, a module would be here\n";

static const u8 xz_file[] = {
	0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36,
	0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3,
	0xe0, 0x00, 0x46, 0x00, 0x1f, 0x5d, 0x00, 0x30, 0x88, 0x09, 0xa7, 0x33,
	0xa9, 0x42, 0x8c, 0x5a, 0xf5, 0x29, 0xa9, 0xee, 0x08, 0x1d, 0x95, 0xf8,
	0x54, 0x6d, 0x74, 0xbe, 0x18, 0x2b, 0x5c, 0x9e, 0xb7, 0x55, 0x45, 0x94,
	0x00, 0x00, 0x00, 0x00, 0x7c, 0xa0, 0x32, 0x4c, 0x00, 0x01, 0x37, 0x47,
	0x2c, 0xc1, 0x39, 0x58, 0x90, 0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00,
	0x00, 0x01, 0x59, 0x5a,
};

static const u8 zstd_file[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x05, 0x01, 0x00, 0xc8, 0x61, 0x20,
	0x6d, 0x6f, 0x64, 0x75, 0x6c, 0x65, 0x20, 0x77, 0x6f, 0x75, 0x6c, 0x64,
	0x20, 0x62, 0x65, 0x20, 0x68, 0x65, 0x72, 0x65, 0x2c, 0x20, 0x0a, 0x01,
	0x00, 0xbc, 0xe6, 0x1c, 0x03, 0xa6, 0x41, 0xb0, 0xcd,
};

static const u8 gzip_file[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0x54,
	0xc8, 0xcd, 0x4f, 0x29, 0xcd, 0x49, 0x55, 0x28, 0xcf, 0x2f, 0xcd, 0x49,
	0x51, 0x48, 0x4a, 0x55, 0xc8, 0x48, 0x2d, 0x4a, 0xd5, 0x51, 0x48, 0x24,
	0x49, 0x9c, 0x0b, 0x00, 0x7c, 0xa0, 0x32, 0x4c, 0x47, 0x00, 0x00, 0x00,
};

static const struct {
	const char *name;
	const u8 *file;
	size_t size;
	bool here;
	/* Whether damage shows anywhere: else in the headers at least */
	bool checked;
} formats[] = {
#ifdef HAVE_LZMA
	{ "xz", xz_file, sizeof(xz_file), true, true },
#else
	{ "xz", xz_file, sizeof(xz_file), false, true },
#endif
#ifdef HAVE_ZSTD
	{ "zstd", zstd_file, sizeof(zstd_file), true, false },
#else
	{ "zstd", zstd_file, sizeof(zstd_file), false, false },
#endif
#ifdef HAVE_ZLIB
	{ "gzip", gzip_file, sizeof(gzip_file), true, false },
#else
	{ "gzip", gzip_file, sizeof(gzip_file), false, false },
#endif
};

static struct reason why;

static struct bytes copy(size_t i, size_t size)
{
	struct bytes bytes = { malloc(size + !size), size };

	memcpy(bytes.data, formats[i].file, size);
	return bytes;
}

TEST(whole_files)
{
	struct bytes bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		bytes = copy(i, formats[i].size);
		if (formats[i].here) {
			ASSERT_TRUE(bytes_decompress(&bytes, &why)) {
				TH_LOG("%s", why.text);
			}
			ASSERT_EQ(strlen(text), bytes.size);
			EXPECT_EQ(0, memcmp(text, bytes.data, bytes.size));
		} else {
			EXPECT_FALSE(bytes_decompress(&bytes, &why));
			EXPECT_NE(NULL, strstr(why.text, "was built without"));
			EXPECT_NE(NULL, strstr(why.text, formats[i].name));
		}
		bytes_free(&bytes);
	}
}

TEST(files_cut_off)
{
	struct bytes bytes;
	size_t i, size;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		/* Shorter than its magic it is no such file */
		for (size = 6; size < formats[i].size; size++) {
			bytes = copy(i, size);
			EXPECT_FALSE(bytes_decompress(&bytes, &why)) {
				TH_LOG("%s, %zu bytes", formats[i].name, size);
			}
			bytes_free(&bytes);
		}
	}
}

TEST(files_damaged)
{
	struct bytes bytes;
	size_t i, at;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		for (at = 6; at < formats[i].size; at++) {
			bytes = copy(i, formats[i].size);
			bytes.data[at] ^= 0x55;
			if (bytes_decompress(&bytes, &why)) {
				EXPECT_FALSE(formats[i].checked) {
					TH_LOG("%s, byte %zu",
					       formats[i].name, at);
				}
			}
			bytes_free(&bytes);
		}
	}
}

TEST(other_files_stay)
{
	struct bytes bytes = { (u8 *)strdup(text), strlen(text) };

	EXPECT_TRUE(bytes_decompress(&bytes, &why));
	EXPECT_EQ(strlen(text), bytes.size);
	bytes_free(&bytes);
}

TEST(a_bomb)
{
#ifdef HAVE_ZLIB
	/* 300 MiB of zeros */
	static u8 zeros[1 << 20];
	struct bytes bytes = { malloc(1 << 20), 0 };
	z_stream stream = { .next_out = bytes.data, .avail_out = 1 << 20 };
	int i;

	ASSERT_EQ(Z_OK, deflateInit2(&stream, 9, Z_DEFLATED, 31, 9,
				     Z_DEFAULT_STRATEGY));
	for (i = 0; i < 300; i++) {
		stream.next_in = zeros;
		stream.avail_in = sizeof(zeros);
		ASSERT_EQ(Z_OK, deflate(&stream, Z_NO_FLUSH));
	}
	ASSERT_EQ(Z_STREAM_END, deflate(&stream, Z_FINISH));
	bytes.size = stream.total_out;
	deflateEnd(&stream);
	EXPECT_FALSE(bytes_decompress(&bytes, &why));
	EXPECT_STREQ("decompresses to more than 256 MiB", why.text);
	bytes_free(&bytes);
#else
	SKIP(return, "built without zlib");
#endif
}

TEST_HARNESS_MAIN
