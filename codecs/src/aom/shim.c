/*
 * libaom's encoder for pictures that follow each other, one at a time: none is kept until others have
 * come, so that each call takes as long as its picture. RGB becomes planes by libavif.
 *
 * One thread, the calling one. It can be left between pictures, not within one.
 */

#include <aom/aom_encoder.h>
#include <aom/aomcx.h>
#include <avif/avif.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t width;
    uint32_t height;
    uint8_t alpha;
    uint8_t quality;            /* 0 to 100 */
    uint8_t speed;              /* 0 to 10 */
    uint16_t primaries;         /* code points of ITU-T H.273; 2 beside a profile */
    uint16_t transfer;
    uint16_t matrix;
} ig_aom_setup;

typedef struct {
    aom_codec_ctx_t context;
    int is_open;
} track;

typedef struct {
    avifImage *image;
    uint8_t *grey;              /* the chroma of alpha */
    track tracks[2];            /* colours, and alpha where there is some */
    aom_codec_pts_t pictures;
    int alpha;
} ig_aom;

typedef struct {
    const uint8_t *data;
    size_t len;
    int is_key;
} ig_aom_sample;

static aom_codec_err_t set_up(track *track, const ig_aom_setup *setup, int is_alpha) {
    /* What is quicker than that is only for those who have no time. */
    const int in_haste = setup->speed >= 7;
    /* Of grey alone, libaom 3.6 in haste reads chroma that is not there, at this speed only. */
    const int speed = is_alpha && setup->speed == 7 ? 8 : setup->speed;
    const int quantizer = ((100 - setup->quality) * 63 + 50) / 100;
    const struct { int id; int value; } controls[] = {
        { AOME_SET_CPUUSED, speed },
        { AOME_SET_CQ_LEVEL, quantizer },
        { AV1E_SET_ROW_MT, 0 },
        { AV1E_SET_COLOR_RANGE, 1 },
        { AV1E_SET_COLOR_PRIMARIES, is_alpha ? 2 : setup->primaries },
        { AV1E_SET_TRANSFER_CHARACTERISTICS, is_alpha ? 2 : setup->transfer },
        { AV1E_SET_MATRIX_COEFFICIENTS, is_alpha ? 2 : setup->matrix },
    };
    aom_codec_iface_t *coder = aom_codec_av1_cx();
    aom_codec_enc_cfg_t config;
    aom_codec_err_t result = aom_codec_enc_config_default(
        coder, &config, in_haste ? AOM_USAGE_REALTIME : AOM_USAGE_GOOD_QUALITY
    );

    if (result != AOM_CODEC_OK) {
        return result;
    }
    config.g_w = setup->width;
    config.g_h = setup->height;
    config.g_threads = 1;
    config.g_lag_in_frames = 0;
    config.g_profile = 0;
    config.g_bit_depth = AOM_BITS_8;
    config.g_input_bit_depth = 8;
    config.monochrome = (unsigned) is_alpha;
    config.rc_end_usage = AOM_Q;
    config.rc_min_quantizer = 0;
    config.rc_max_quantizer = 63;
    result = aom_codec_enc_init(&track->context, coder, &config, 0);
    if (result != AOM_CODEC_OK) {
        return result;
    }
    track->is_open = 1;
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        result = aom_codec_control(&track->context, controls[i].id, controls[i].value);
        if (result != AOM_CODEC_OK) {
            return result;
        }
    }
    return AOM_CODEC_OK;
}

void ig_aom_close(ig_aom *encoder) {
    for (int i = 0; i < 2; i++) {
        if (encoder->tracks[i].is_open) {
            aom_codec_destroy(&encoder->tracks[i].context);
        }
    }
    if (encoder->image != NULL) {
        avifImageDestroy(encoder->image);
    }
    free(encoder->grey);
    free(encoder);
}

/* Answers why there is no encoder; else it has to be freed with ig_aom_close. */
int ig_aom_open(const ig_aom_setup *setup, ig_aom **out) {
    ig_aom *encoder = calloc(1, sizeof(*encoder));
    const size_t half = (size_t) (setup->width / 2 + 1) * (setup->height / 2 + 1);
    aom_codec_err_t result = AOM_CODEC_MEM_ERROR;

    if (encoder == NULL) {
        return result;
    }
    encoder->alpha = setup->alpha;
    encoder->image = avifImageCreate(
        setup->width, setup->height, 8, AVIF_PIXEL_FORMAT_YUV420
    );
    if (setup->alpha) {
        encoder->grey = malloc(half);
    }
    if (encoder->image != NULL && (encoder->grey != NULL || !setup->alpha)) {
        encoder->image->yuvRange = AVIF_RANGE_FULL;
        encoder->image->matrixCoefficients = (avifMatrixCoefficients) setup->matrix;
        if (encoder->grey != NULL) {
            memset(encoder->grey, 128, half);
        }
        result = AOM_CODEC_OK;
        for (int i = 0; i <= setup->alpha && result == AOM_CODEC_OK; i++) {
            result = set_up(&encoder->tracks[i], setup, i);
        }
    }
    if (result != AOM_CODEC_OK) {
        ig_aom_close(encoder);
        return result;
    }
    *out = encoder;
    return AOM_CODEC_OK;
}

static aom_codec_err_t encode(ig_aom *encoder, int is_alpha, ig_aom_sample *out) {
    aom_codec_ctx_t *context = &encoder->tracks[is_alpha].context;
    const avifImage *from = encoder->image;
    uint8_t *luma = is_alpha ? from->alphaPlane : from->yuvPlanes[0];
    const aom_codec_cx_pkt_t *packet;
    aom_codec_iter_t next = NULL;
    aom_codec_err_t result;
    aom_image_t image;

    if (aom_img_wrap(&image, AOM_IMG_FMT_I420, from->width, from->height, 1, luma) == NULL) {
        return AOM_CODEC_MEM_ERROR;
    }
    image.range = AOM_CR_FULL_RANGE;
    image.monochrome = is_alpha;
    image.planes[0] = luma;
    image.stride[0] = (int) (is_alpha ? from->alphaRowBytes : from->yuvRowBytes[0]);
    for (int i = 1; i < 3; i++) {
        image.planes[i] = is_alpha ? encoder->grey : from->yuvPlanes[i];
        image.stride[i] = (int) (is_alpha ? from->width / 2 + 1 : from->yuvRowBytes[i]);
    }
    result = aom_codec_encode(context, &image, encoder->pictures, 1, 0);
    if (result != AOM_CODEC_OK) {
        return result;
    }
    out->data = NULL;
    while ((packet = aom_codec_get_cx_data(context, &next)) != NULL) {
        if (packet->kind != AOM_CODEC_CX_FRAME_PKT) {
            continue;
        }
        if (out->data != NULL) {
            return AOM_CODEC_ERROR;
        }
        out->data = packet->data.frame.buf;
        out->len = packet->data.frame.sz;
        out->is_key = (packet->data.frame.flags & AOM_FRAME_IS_KEY) != 0;
    }
    return out->data == NULL ? AOM_CODEC_ERROR : AOM_CODEC_OK;
}

/* Encodes the next picture to a sample of its colours, and one of its alpha, which stay until the
 * next; RGB, or RGBA with alpha, without gaps. */
int ig_aom_encode(ig_aom *encoder, const uint8_t *pixels, ig_aom_sample samples[2]) {
    aom_codec_err_t result = AOM_CODEC_OK;
    avifRGBImage rgb;

    avifRGBImageSetDefaults(&rgb, encoder->image);
    rgb.format = encoder->alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = 8;
    /* Only read, though the type does not say so. */
    rgb.pixels = (uint8_t *) pixels;
    rgb.rowBytes = encoder->image->width * (encoder->alpha ? 4 : 3);
    if (avifImageRGBToYUV(encoder->image, &rgb) != AVIF_RESULT_OK) {
        return AOM_CODEC_MEM_ERROR;
    }
    for (int i = 0; i <= encoder->alpha && result == AOM_CODEC_OK; i++) {
        result = encode(encoder, i, &samples[i]);
    }
    encoder->pictures++;
    return result;
}

const char *ig_aom_message(int result) {
    return aom_codec_err_to_string((aom_codec_err_t) result);
}
