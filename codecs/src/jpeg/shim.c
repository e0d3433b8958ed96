/*
 * libjpeg-turbo, which can be stopped between rows: TurboJPEG, its simpler face, has no way to.
 *
 * Errors leave libjpeg by a jump, over frames of libjpeg and of this file only, that own nothing
 * but what is freed here.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum { IG_OK = 0, IG_WARNED = 1, IG_STOPPED = 2, IG_FAILED = -1 };

/* Rows that are handed over at once. */
enum { BATCH = 16 };

typedef struct {
    int (*goes_on)(void *data);
    void *data;
    char message[JMSG_LENGTH_MAX];
} ig_jpeg_guard;

typedef struct {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    ig_jpeg_guard *guard;
    int scans;
    int result;
} state;

static state *state_of(j_common_ptr codec) {
    return (state *) codec->err;
}

static void leave(j_common_ptr codec, int result) {
    state_of(codec)->result = result;
    longjmp(state_of(codec)->out, 1);
}

static void on_error(j_common_ptr codec) {
    codec->err->format_message(codec, state_of(codec)->guard->message);
    leave(codec, IG_FAILED);
}

static void on_message(j_common_ptr codec, int level) {
    if (level < 0 && codec->err->num_warnings++ == 0) {
        codec->err->format_message(codec, state_of(codec)->guard->message);
    }
}

static void on_output(j_common_ptr codec) {
    (void) codec;
}

static void on_progress(j_common_ptr codec) {
    state *state = state_of(codec);

    if (codec->is_decompressor && ((j_decompress_ptr) codec)->input_scan_number > state->scans) {
        snprintf(state->guard->message, sizeof(state->guard->message), "more than %d scans",
                 state->scans);
        leave(codec, IG_FAILED);
    }
    if (!state->guard->goes_on(state->guard->data)) {
        leave(codec, IG_STOPPED);
    }
}

static struct jpeg_error_mgr *prepare(state *state, ig_jpeg_guard *guard) {
    memset(state, 0, sizeof(*state));
    jpeg_std_error(&state->errors);
    state->errors.error_exit = on_error;
    state->errors.emit_message = on_message;
    state->errors.output_message = on_output;
    state->progress.progress_monitor = on_progress;
    state->guard = guard;
    state->result = IG_OK;
    return &state->errors;
}

/* Width and height by the headers. */
int ig_jpeg_size(const uint8_t *data, unsigned long len, uint32_t size[2], ig_jpeg_guard *guard) {
    struct jpeg_decompress_struct codec;
    state state;

    memset(&codec, 0, sizeof(codec));
    codec.err = prepare(&state, guard);
    if (setjmp(state.out)) {
        jpeg_destroy_decompress(&codec);
        return state.result;
    }
    jpeg_create_decompress(&codec);
    jpeg_mem_src(&codec, data, len);
    jpeg_read_header(&codec, TRUE);
    size[0] = codec.image_width;
    size[1] = codec.image_height;
    jpeg_destroy_decompress(&codec);
    return state.errors.num_warnings > 0 ? IG_WARNED : IG_OK;
}

typedef struct {
    const uint8_t *data;
    size_t len;
    int scans;                  /* at most */
    unsigned eighths;           /* the scale */
    unsigned x;                 /* the part of the scaled image */
    unsigned y;
    unsigned width;
    unsigned height;
    int channels;               /* 1 grey, 3 RGB, 4 CMYK */
} ig_jpeg_part;

/* Decodes a part into rows without gaps. */
int ig_jpeg_decode(const ig_jpeg_part *part, uint8_t *pixels, ig_jpeg_guard *guard) {
    struct jpeg_decompress_struct codec;
    state state;
    const unsigned end = part->y + part->height;

    memset(&codec, 0, sizeof(codec));
    codec.err = prepare(&state, guard);
    state.scans = part->scans;
    if (setjmp(state.out)) {
        jpeg_destroy_decompress(&codec);
        return state.result;
    }
    jpeg_create_decompress(&codec);
    codec.progress = &state.progress;
    jpeg_mem_src(&codec, part->data, part->len);
    jpeg_read_header(&codec, TRUE);
    codec.out_color_space = part->channels == 1 ? JCS_GRAYSCALE
                          : part->channels == 3 ? JCS_EXT_RGB : JCS_CMYK;
    codec.scale_num = part->eighths;
    codec.scale_denom = 8;
    jpeg_start_decompress(&codec);
    if (part->x != 0 || part->width != codec.output_width) {
        JDIMENSION x = part->x, width = part->width;
        jpeg_crop_scanline(&codec, &x, &width);
        if (x != part->x || width != part->width) {
            ERREXIT(&codec, JERR_BAD_CROP_SPEC);
        }
    }
    if (end > codec.output_height || codec.output_components != part->channels
        || (size_t) codec.output_width != part->width) {
        ERREXIT(&codec, JERR_BAD_CROP_SPEC);
    }
    if (part->y != 0) {
        jpeg_skip_scanlines(&codec, part->y);
    }
    while (codec.output_scanline < end) {
        const unsigned first = codec.output_scanline;
        const unsigned count = end - first < BATCH ? end - first : BATCH;
        JSAMPROW rows[BATCH];
        for (unsigned i = 0; i < count; i++) {
            rows[i] = pixels + (size_t) (first - part->y + i) * part->width * part->channels;
        }
        jpeg_read_scanlines(&codec, rows, count);
    }
    if (end == codec.output_height) {
        jpeg_finish_decompress(&codec);
    }
    jpeg_destroy_decompress(&codec);
    return state.errors.num_warnings > 0 ? IG_WARNED : IG_OK;
}

/* What a row of MCUs has of a component: rows of `stride` samples, of which the last ones of the
 * last row of MCUs mean nothing. */
typedef struct {
    const uint8_t *samples;
    size_t stride;
    size_t rows;
} ig_jpeg_band;

typedef struct {
    const uint8_t *data;
    size_t len;
    int scans;                  /* at most */
    int across;                 /* pixels of one chroma */
    int down;
    unsigned rows;              /* of the image, from its first one */
} ig_jpeg_planes;

/* Hands out luma and chroma of an image as they are stored, from row to row of MCUs, until
 * `take` wants no more of them. */
int ig_jpeg_decode_planes(const ig_jpeg_planes *planes,
                          int (*take)(void *data, const ig_jpeg_band *bands), void *data,
                          ig_jpeg_guard *guard) {
    struct jpeg_decompress_struct codec;
    state state;
    JSAMPROW rows[3][MAX_SAMP_FACTOR * DCTSIZE];
    JSAMPARRAY image[3] = { rows[0], rows[1], rows[2] };
    ig_jpeg_band bands[3];

    memset(&codec, 0, sizeof(codec));
    codec.err = prepare(&state, guard);
    state.scans = planes->scans;
    if (setjmp(state.out)) {
        jpeg_destroy_decompress(&codec);
        return state.result;
    }
    jpeg_create_decompress(&codec);
    codec.progress = &state.progress;
    jpeg_mem_src(&codec, planes->data, planes->len);
    jpeg_read_header(&codec, TRUE);
    if (codec.jpeg_color_space != JCS_YCbCr || codec.num_components != 3) {
        ERREXIT(&codec, JERR_BAD_J_COLORSPACE);
    }
    for (int i = 0; i < 3; i++) {
        const jpeg_component_info *component = &codec.comp_info[i];
        if (component->h_samp_factor != (i == 0 ? planes->across : 1)
            || component->v_samp_factor != (i == 0 ? planes->down : 1)) {
            ERREXIT(&codec, JERR_BAD_SAMPLING);
        }
    }
    codec.out_color_space = JCS_YCbCr;
    codec.raw_data_out = TRUE;
    jpeg_start_decompress(&codec);
    if (planes->rows > codec.output_height) {
        ERREXIT(&codec, JERR_BAD_CROP_SPEC);
    }
    for (int i = 0; i < 3; i++) {
        const jpeg_component_info *component = &codec.comp_info[i];
        const size_t stride = (size_t) component->width_in_blocks * DCTSIZE;
        const size_t count = (size_t) component->v_samp_factor * DCTSIZE;
        JSAMPLE *samples = codec.mem->alloc_large((j_common_ptr) &codec, JPOOL_IMAGE,
                                                  stride * count);
        memset(samples, 0, stride * count);
        for (size_t row = 0; row < count; row++) {
            rows[i][row] = samples + row * stride;
        }
        bands[i] = (ig_jpeg_band) { samples, stride, count };
    }
    while (codec.output_scanline < planes->rows) {
        jpeg_read_raw_data(&codec, image, codec.max_v_samp_factor * DCTSIZE);
        if (!take(data, bands)) {
            leave((j_common_ptr) &codec, IG_STOPPED);
        }
    }
    if (codec.output_scanline >= codec.output_height) {
        jpeg_finish_decompress(&codec);
    }
    jpeg_destroy_decompress(&codec);
    return state.errors.num_warnings > 0 ? IG_WARNED : IG_OK;
}

typedef struct {
    const uint8_t *planes[3];   /* luma and chroma, rows without gaps; or NULL */
    const uint8_t *pixels;      /* rows without gaps; or NULL */
    unsigned width;
    unsigned height;
    int channels;               /* 1 grey, 3 colours */
    int quality;                /* 1 to 100 */
    int progressive;
    int across;                 /* pixels of one chroma, 1 or 2 */
    int down;
} ig_jpeg_image;

/* Writes the pixels of an image. */
static void write_pixels(j_compress_ptr codec, const ig_jpeg_image *image) {
    while (codec->next_scanline < image->height) {
        const unsigned first = codec->next_scanline;
        const unsigned left = image->height - first;
        const unsigned count = left < BATCH ? left : BATCH;
        JSAMPROW rows[BATCH];
        for (unsigned i = 0; i < count; i++) {
            /* Only read, though the type does not say so. */
            rows[i] = (JSAMPROW) (image->pixels
                                  + (size_t) (first + i) * image->width * image->channels);
        }
        jpeg_write_scanlines(codec, rows, count);
    }
}

/* Writes luma and chroma of an image as they are. The last sample of a row, and the last row, fill
 * the blocks at the edges. */
static void write_planes(j_compress_ptr codec, const ig_jpeg_image *image) {
    JSAMPROW rows[3][MAX_SAMP_FACTOR * DCTSIZE];
    JSAMPARRAY bands[3] = { rows[0], rows[1], rows[2] };
    JSAMPLE *padded[3] = { NULL, NULL, NULL };
    size_t width[3], height[3], stride[3];

    for (int i = 0; i < 3; i++) {
        const size_t across = i == 0 ? 1 : (size_t) image->across;
        const size_t down = i == 0 ? 1 : (size_t) image->down;
        width[i] = (image->width + across - 1) / across;
        height[i] = (image->height + down - 1) / down;
        stride[i] = (width[i] + DCTSIZE - 1) / DCTSIZE * DCTSIZE;
        if (stride[i] != width[i]) {
            const size_t count = (size_t) codec->comp_info[i].v_samp_factor * DCTSIZE;
            padded[i] = codec->mem->alloc_large((j_common_ptr) codec, JPOOL_IMAGE,
                                                stride[i] * count);
        }
    }
    for (size_t band = 0; codec->next_scanline < image->height; band++) {
        for (int i = 0; i < 3; i++) {
            const size_t count = (size_t) codec->comp_info[i].v_samp_factor * DCTSIZE;
            for (size_t row = 0; row < count; row++) {
                const size_t at = band * count + row;
                const uint8_t *samples = image->planes[i]
                                         + (at < height[i] ? at : height[i] - 1) * width[i];
                if (padded[i] == NULL) {
                    /* Only read, as above. */
                    rows[i][row] = (JSAMPROW) samples;
                } else {
                    rows[i][row] = padded[i] + row * stride[i];
                    memcpy(rows[i][row], samples, width[i]);
                    memset(rows[i][row] + width[i], samples[width[i] - 1], stride[i] - width[i]);
                }
            }
        }
        jpeg_write_raw_data(codec, bands, codec->max_v_samp_factor * DCTSIZE);
    }
}

/* Encodes an image; `*out` has to be freed with ig_jpeg_free, whatever the result. */
int ig_jpeg_encode(const ig_jpeg_image *image, uint8_t **out, unsigned long *len,
                   ig_jpeg_guard *guard) {
    struct jpeg_compress_struct codec;
    state state;

    memset(&codec, 0, sizeof(codec));
    codec.err = prepare(&state, guard);
    if (setjmp(state.out)) {
        /* What was written so far is where its owner finds it. */
        if (codec.dest != NULL) {
            codec.dest->term_destination(&codec);
        }
        jpeg_destroy_compress(&codec);
        return state.result;
    }
    jpeg_create_compress(&codec);
    codec.progress = &state.progress;
    jpeg_mem_dest(&codec, out, len);
    codec.image_width = image->width;
    codec.image_height = image->height;
    codec.input_components = image->channels;
    codec.in_color_space = image->channels == 1 ? JCS_GRAYSCALE
                         : image->pixels != NULL ? JCS_EXT_RGB : JCS_YCbCr;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, image->quality, TRUE);
    jpeg_set_colorspace(&codec, image->channels == 1 ? JCS_GRAYSCALE : JCS_YCbCr);
    codec.optimize_coding = TRUE;
    if (image->progressive) {
        jpeg_simple_progression(&codec);
    }
    if (image->channels != 1) {
        codec.comp_info[0].h_samp_factor = image->across;
        codec.comp_info[0].v_samp_factor = image->down;
    }
    codec.raw_data_in = image->pixels == NULL;
    jpeg_start_compress(&codec, TRUE);
    if (image->pixels != NULL) {
        write_pixels(&codec, image);
    } else {
        write_planes(&codec, image);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    return IG_OK;
}

void ig_jpeg_free(uint8_t *out) {
    free(out);
}
