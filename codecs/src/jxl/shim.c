/*
 * libjxl's encoder behind a function whose arguments stay the same from version to version.
 *
 * One thread, the calling one, which is what it does without a parallel runner. It can't be stopped:
 * where a runner fails, libjxl ends the process in some of its steps. An animation can be left between
 * its frames.
 */

#include <jxl/encode.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const uint8_t *pixels;      /* grey, with alpha or without, RGB or RGBA, without gaps */
    uint32_t width;
    uint32_t height;
    uint8_t channels;           /* 1 to 4 */
    uint8_t deep;               /* 16 bits each, in the order of the machine */
    uint8_t primaries;          /* code points of ITU-T H.273, without a profile: 1, 9 or 12 */
    uint8_t transfer;           /* 13, 16 or 18 */
    uint8_t effort;             /* 1 to 9 */
    uint8_t orientation;        /* as Exif counts it: 1 to 8 */
    float distance;             /* in units of what is just noticed; 0 is lossless */
    const uint8_t *icc;         /* or NULL */
    size_t icc_len;
    const uint8_t *exif;        /* behind the four bytes of an offset */
    size_t exif_len;
    const uint8_t *xmp;
    size_t xmp_len;
    const uint8_t *jpeg;        /* to be written without loss, in place of pixels; or NULL */
    size_t jpeg_len;
} ig_jxl_source;

enum { OK, FAILED, NO_MEMORY };

/* Bytes of the first piece of output; each one is as long as all before. */
#define PIECE 65536

static int box(JxlEncoder *encoder, const char *type, const uint8_t *data, size_t len) {
    return len == 0 || JxlEncoderAddBox(encoder, type, data, len, JXL_FALSE) == JXL_ENC_SUCCESS;
}

/* Says what all frames have in common; an animation is played so often, 0 is for ever. */
static int describe(JxlEncoder *encoder, const ig_jxl_source *source, const uint32_t *plays) {
    const uint32_t colors = source->channels > 2 ? 3 : 1;
    const int alpha = source->channels % 2 == 0;
    JxlBasicInfo info;

    JxlEncoderInitBasicInfo(&info);
    info.xsize = source->width;
    info.ysize = source->height;
    info.bits_per_sample = source->deep ? 16 : 8;
    info.num_color_channels = colors;
    info.num_extra_channels = alpha;
    info.alpha_bits = alpha ? info.bits_per_sample : 0;
    /* Nits of the brightest that the curve has. */
    if (source->transfer == JXL_TRANSFER_FUNCTION_PQ) {
        info.intensity_target = 10000;
    } else if (source->transfer == JXL_TRANSFER_FUNCTION_HLG) {
        info.intensity_target = 1000;
    }
    info.orientation = (JxlOrientation) source->orientation;
    info.uses_original_profile = source->distance == 0;
    if (plays != NULL) {
        info.have_animation = JXL_TRUE;
        info.animation.tps_numerator = 1000;
        info.animation.tps_denominator = 1;
        info.animation.num_loops = *plays;
    }
    if (JxlEncoderSetBasicInfo(encoder, &info) != JXL_ENC_SUCCESS) {
        return 0;
    }
    /* One that libjxl can't read counts for nothing, as it does for all who show the image. */
    if (source->icc_len != 0
        && JxlEncoderSetICCProfile(encoder, source->icc, source->icc_len) == JXL_ENC_SUCCESS) {
        return 1;
    }
    JxlColorEncoding encoding;
    JxlColorEncodingSetToSRGB(&encoding, colors == 1);
    encoding.transfer_function = (JxlTransferFunction) source->transfer;
    encoding.primaries = source->primaries == 12 ? JXL_PRIMARIES_P3 : (JxlPrimaries) source->primaries;
    return JxlEncoderSetColorEncoding(encoder, &encoding) == JXL_ENC_SUCCESS;
}

static JxlEncoderFrameSettings *prepare(JxlEncoder *encoder, const ig_jxl_source *source) {
    JxlEncoderFrameSettings *settings = JxlEncoderFrameSettingsCreate(encoder, NULL);

    /*
     * Without patches and dots, and in all its pixels: at efforts above 6 libjxl looks for small pictures
     * that come again, which takes it ten times as much memory, and at distances above 20 it halves the
     * image by trying, which takes ten times as long.
     */
    const struct { JxlEncoderFrameSettingId id; int64_t value; } options[] = {
        { JXL_ENC_FRAME_SETTING_EFFORT, source->effort },
        { JXL_ENC_FRAME_SETTING_PATCHES, 0 },
        { JXL_ENC_FRAME_SETTING_DOTS, 0 },
        { JXL_ENC_FRAME_SETTING_RESAMPLING, 1 },
    };

    if (settings == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (JxlEncoderFrameSettingsSetOption(settings, options[i].id, options[i].value)
            != JXL_ENC_SUCCESS) {
            return NULL;
        }
    }
    return settings;
}

/* Writes all that comes before the pixels, and sets how they are written. */
static int begin(
    JxlEncoder *encoder, JxlEncoderFrameSettings *settings, const ig_jxl_source *source,
    const uint32_t *plays
) {
    if (source->exif_len + source->xmp_len != 0
        && JxlEncoderUseBoxes(encoder) != JXL_ENC_SUCCESS) {
        return 0;
    }
    if (!box(encoder, "Exif", source->exif, source->exif_len)
        || !box(encoder, "xml ", source->xmp, source->xmp_len)
        || !describe(encoder, source, plays)) {
        return 0;
    }
    const JxlEncoderStatus quality = source->distance == 0
        ? JxlEncoderSetFrameLossless(settings, JXL_TRUE)
        : JxlEncoderSetFrameDistance(settings, source->distance);
    return quality == JXL_ENC_SUCCESS;
}

static int add_pixels(
    JxlEncoderFrameSettings *settings, const ig_jxl_source *source, const uint8_t *pixels,
    uint32_t width, uint32_t height
) {
    const JxlPixelFormat format = {
        source->channels, source->deep ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0,
    };
    const size_t len = (size_t) width * height * source->channels * (source->deep ? 2 : 1);
    return JxlEncoderAddImageFrame(settings, &format, pixels, len) == JXL_ENC_SUCCESS;
}

static int add(JxlEncoder *encoder, const ig_jxl_source *source) {
    JxlEncoderFrameSettings *settings = prepare(encoder, source);

    if (settings == NULL) {
        return 0;
    }
    if (source->jpeg != NULL) {
        return JxlEncoderUseContainer(encoder, JXL_TRUE) == JXL_ENC_SUCCESS
            && JxlEncoderStoreJPEGMetadata(encoder, JXL_TRUE) == JXL_ENC_SUCCESS
            && JxlEncoderAddJPEGFrame(settings, source->jpeg, source->jpeg_len) == JXL_ENC_SUCCESS;
    }
    return begin(encoder, settings, source, NULL)
        && add_pixels(settings, source, source->pixels, source->width, source->height);
}

static int write_out(JxlEncoder *encoder, uint8_t **out, size_t *out_len) {
    size_t len = 0;

    for (size_t room = PIECE;; room *= 2) {
        uint8_t *larger = realloc(*out, room);
        if (larger == NULL) {
            return NO_MEMORY;
        }
        *out = larger;
        uint8_t *next = larger + len;
        size_t left = room - len;
        const JxlEncoderStatus status = JxlEncoderProcessOutput(encoder, &next, &left);
        len = (size_t) (next - larger);
        if (status == JXL_ENC_SUCCESS) {
            *out_len = len;
            return OK;
        }
        if (status != JXL_ENC_NEED_MORE_OUTPUT) {
            return FAILED;
        }
        if (room > SIZE_MAX / 2) {
            return NO_MEMORY;
        }
    }
}

/* Encodes an image; `*out` has to be freed with ig_jxl_free. */
int ig_jxl_encode(const ig_jxl_source *source, uint8_t **out, size_t *out_len) {
    JxlEncoder *encoder = JxlEncoderCreate(NULL);
    int result = FAILED;

    if (encoder == NULL) {
        return NO_MEMORY;
    }
    *out = NULL;
    if (add(encoder, source)) {
        JxlEncoderCloseInput(encoder);
        result = write_out(encoder, out, out_len);
    }
    JxlEncoderDestroy(encoder);
    if (result != OK) {
        free(*out);
        *out = NULL;
    }
    return result;
}

void ig_jxl_free(uint8_t *data) {
    free(data);
}

/* An animation that is being written, and the room for its next bytes. */
typedef struct {
    JxlEncoder *encoder;
    JxlEncoderFrameSettings *settings;
    ig_jxl_source source;       /* without what it points to */
    uint8_t *out;
    int begun;                  /* whether there is a frame that is not the first */
} ig_jxl_animation;

void ig_jxl_animation_free(ig_jxl_animation *animation) {
    if (animation->encoder != NULL) {
        JxlEncoderDestroy(animation->encoder);
    }
    free(animation->out);
    free(animation);
}

/* Begins an animation of what `source` is but for pixels; it need not stay. NULL where that fails. */
ig_jxl_animation *ig_jxl_animation_begin(const ig_jxl_source *source, uint32_t plays) {
    ig_jxl_animation *animation = calloc(1, sizeof(*animation));

    if (animation == NULL) {
        return NULL;
    }
    animation->source = *source;
    animation->encoder = JxlEncoderCreate(NULL);
    if (animation->encoder != NULL) {
        animation->settings = prepare(animation->encoder, source);
    }
    if (animation->settings == NULL
        || !begin(animation->encoder, animation->settings, source, &plays)) {
        ig_jxl_animation_free(animation);
        return NULL;
    }
    return animation;
}

/*
 * Adds a frame that takes the place of what is there in a window, so long in milliseconds. It is
 * written later: that it is not the last shows by the next.
 */
int ig_jxl_animation_add(
    ig_jxl_animation *animation, const uint8_t *pixels, uint32_t x, uint32_t y, uint32_t width,
    uint32_t height, uint32_t duration
) {
    /* All are kept in the same place, but for which a frame of some duration is not kept. */
    enum { PLACE = 1 };
    JxlFrameHeader header;
    JxlBlendInfo blending;

    JxlEncoderInitFrameHeader(&header);
    header.duration = duration;
    header.layer_info.have_crop = animation->begun;
    header.layer_info.crop_x0 = (int32_t) x;
    header.layer_info.crop_y0 = (int32_t) y;
    header.layer_info.xsize = width;
    header.layer_info.ysize = height;
    header.layer_info.blend_info.blendmode = JXL_BLEND_REPLACE;
    header.layer_info.blend_info.source = PLACE;
    header.layer_info.save_as_reference = PLACE;
    JxlEncoderInitBlendInfo(&blending);
    blending.blendmode = JXL_BLEND_REPLACE;
    blending.source = PLACE;
    animation->begun = 1;
    return JxlEncoderSetFrameHeader(animation->settings, &header) == JXL_ENC_SUCCESS
        && (animation->source.channels % 2 != 0
            || JxlEncoderSetExtraChannelBlendInfo(animation->settings, 0, &blending) == JXL_ENC_SUCCESS)
        && add_pixels(animation->settings, &animation->source, pixels, width, height)
        ? OK : FAILED;
}

/* Writes what was added, which is all where it is the end; the bytes are there until the next call. */
int ig_jxl_animation_write(ig_jxl_animation *animation, int is_end, uint8_t **out, size_t *out_len) {
    if (is_end) {
        JxlEncoderCloseInput(animation->encoder);
    }
    const int result = write_out(animation->encoder, &animation->out, out_len);
    *out = animation->out;
    return result;
}
