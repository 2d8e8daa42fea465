// SPDX-License-Identifier: GPL-2.0
/*
 * carapacectl: decompressing files by what they begin with
 *
 * Each library is optional: HAVE_LZMA, HAVE_ZSTD and HAVE_ZLIB say which there
 * were when this was built.
 */
#include <limits.h>
#include <string.h>

#include "bytes.h"

#ifdef HAVE_LZMA
#include <lzma.h>

#define XZ_MEMORY	(128UL << 20)

static bool decode_xz(lzma_stream *stream, struct bytes *to, struct reason *why)
{
	lzma_ret result;

	for (;;) {
		if (stream->total_out == to->size && !bytes_grow(to, why))
			return false;
		stream->next_out = to->data + stream->total_out;
		stream->avail_out = to->size - stream->total_out;
		result = lzma_code(stream, LZMA_FINISH);
		if (result == LZMA_STREAM_END)
			break;
		if (result == LZMA_BUF_ERROR)
			return refuse(why, "xz: ends too early");
		if (result == LZMA_MEMLIMIT_ERROR)
			return refuse(why, "xz: takes more than %lu MiB of memory to decompress",
				      XZ_MEMORY >> 20);
		if (result != LZMA_OK)
			return refuse(why, "xz: damaged");
	}
	to->size = stream->total_out;
	return true;
}

static bool xz(const struct bytes *from, struct bytes *to, struct reason *why)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	bool done;

	if (lzma_stream_decoder(&stream, XZ_MEMORY, LZMA_CONCATENATED) !=
	    LZMA_OK)
		return refuse(why, "xz: out of memory");
	stream.next_in = from->data;
	stream.avail_in = from->size;
	done = decode_xz(&stream, to, why);
	lzma_end(&stream);
	return done;
}
#else
#define xz NULL
#endif

#ifdef HAVE_ZSTD
#include <zstd.h>

static bool decode_zstd(ZSTD_DStream *stream, const struct bytes *from,
			struct bytes *to, struct reason *why)
{
	ZSTD_inBuffer in = { from->data, from->size, 0 };
	ZSTD_outBuffer out = { to->data, to->size, 0 };
	size_t before, hint = 1;

	while (in.pos < in.size || (hint && out.pos == out.size)) {
		if (out.pos == out.size) {
			if (!bytes_grow(to, why))
				return false;
			out.dst = to->data;
			out.size = to->size;
		}
		before = in.pos + out.pos;
		hint = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(hint))
			return refuse(why, "zstd: %s", ZSTD_getErrorName(hint));
		if (in.pos + out.pos == before && out.pos < out.size)
			break;
	}
	if (hint)
		return refuse(why, "zstd: ends too early");
	to->size = out.pos;
	return true;
}

static bool zstd(const struct bytes *from, struct bytes *to, struct reason *why)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	bool done;

	if (!stream)
		return refuse(why, "zstd: out of memory");
	done = decode_zstd(stream, from, to, why);
	ZSTD_freeDStream(stream);
	return done;
}
#else
#define zstd NULL
#endif

#ifdef HAVE_ZLIB
#include <zlib.h>

static bool decode_gzip(z_stream *stream, struct bytes *to, struct reason *why)
{
	int result;

	for (;;) {
		if (stream->total_out == to->size && !bytes_grow(to, why))
			return false;
		stream->next_out = to->data + stream->total_out;
		stream->avail_out = to->size - stream->total_out;
		result = inflate(stream, Z_NO_FLUSH);
		if (result == Z_STREAM_END)
			break;
		if (result == Z_BUF_ERROR)
			return refuse(why, "gzip: ends too early");
		if (result != Z_OK)
			return refuse(why, "gzip: %s",
				      stream->msg ? stream->msg : "damaged");
	}
	to->size = stream->total_out;
	return true;
}

static bool gzip(const struct bytes *from, struct bytes *to, struct reason *why)
{
	z_stream stream = { .next_in = from->data, .avail_in = from->size };
	bool done;

	/* 16: with gzip's header, and nothing else */
	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		return refuse(why, "gzip: out of memory");
	done = decode_gzip(&stream, to, why);
	inflateEnd(&stream);
	return done;
}
#else
#define gzip NULL
#endif

static const struct {
	const char *name;
	const char *magic;
	size_t length;
	bool (*decompress)(const struct bytes *from, struct bytes *to,
			   struct reason *why);
} formats[] = {
	{ "xz", "\3757zXZ\0", 6, xz },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, zstd },
	{ "gzip", "\x1f\x8b", 2, gzip },
};

/**
 * bytes_decompress() - decompress what is compressed
 * @bytes: the bytes; left alone where they are not compressed
 * @why: set when they cannot be decompressed
 *
 * Return: whether they can be read now.
 */
bool bytes_decompress(struct bytes *bytes, struct reason *why)
{
	struct bytes to = { NULL, 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (bytes->size >= formats[i].length &&
		    !memcmp(bytes->data, formats[i].magic, formats[i].length))
			break;
	}
	if (i == ARRAY_SIZE(formats))
		return true;
	if (!formats[i].decompress)
		return refuse(why, "compressed with %s, which this carapacectl was built without",
			      formats[i].name);
	if (!formats[i].decompress(bytes, &to, why)) {
		bytes_free(&to);
		return false;
	}
	bytes_free(bytes);
	*bytes = to;
	return true;
}
