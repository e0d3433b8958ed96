/*
 * libavif behind functions whose arguments stay the same from version to version.
 *
 * One thread: maxThreads is 1 everywhere, with which neither libavif nor libaom starts any. Boxes
 * are read, and samples decoded, elsewhere.
 */

#include <avif/avif.h>
#include <string.h>

/* Rows of a picture. */
typedef struct {
    const uint8_t *planes[3];
    const uint8_t *alpha;       /* or NULL */
    uint32_t strides[2];        /* in bytes: of luma, of chroma */
    uint32_t alpha_stride;
    uint32_t width;
    uint32_t height;
    uint8_t depth;
    uint8_t layout;             /* 0 to 3: 4:0:0, 4:2:0, 4:2:2, 4:4:4 */
    uint8_t full_range;
    uint8_t premultiplied;
    uint16_t primaries;         /* code points of ITU-T H.273 */
    uint16_t coefficients;
} ig_avif_view;

typedef struct {
    const uint8_t *pixels;      /* RGB, or RGBA with alpha, without gaps */
    uint32_t width;
    uint32_t height;
    uint8_t alpha;
    uint8_t quality;            /* 0 to 100 */
    uint8_t speed;              /* 0 to 10 */
    uint8_t deep;               /* 16 bits a channel, of which 10 are kept */
    uint16_t primaries;         /* code points of ITU-T H.273, without a profile */
    uint16_t transfer;
    uint16_t matrix;
    const uint8_t *icc;
    size_t icc_len;
    const uint8_t *exif;
    size_t exif_len;
    const uint8_t *xmp;
    size_t xmp_len;
} ig_avif_source;

/* Converts rows to 8 bits a channel, or 16, without gaps, RGBA where there is alpha and else RGB. */
int ig_avif_convert(const ig_avif_view *view, int deep, uint8_t *pixels) {
    static const avifPixelFormat formats[] = {
        AVIF_PIXEL_FORMAT_YUV400, AVIF_PIXEL_FORMAT_YUV420, AVIF_PIXEL_FORMAT_YUV422,
        AVIF_PIXEL_FORMAT_YUV444,
    };
    const int alpha = view->alpha != NULL;
    avifRGBImage rgb;
    avifResult result;
    avifImage *image = avifImageCreateEmpty();

    if (image == NULL) {
        return AVIF_RESULT_OUT_OF_MEMORY;
    }
    image->width = view->width;
    image->height = view->height;
    image->depth = view->depth;
    image->yuvFormat = formats[view->layout & 3];
    image->yuvRange = view->full_range ? AVIF_RANGE_FULL : AVIF_RANGE_LIMITED;
    image->colorPrimaries = (avifColorPrimaries) view->primaries;
    image->matrixCoefficients = (avifMatrixCoefficients) view->coefficients;
    /* Only read, though the types do not say so; the image does not own them. */
    for (int i = 0; i < 3; i++) {
        image->yuvPlanes[i] = (uint8_t *) view->planes[i];
        image->yuvRowBytes[i] = view->planes[i] == NULL ? 0 : view->strides[i > 0];
    }
    image->alphaPlane = (uint8_t *) view->alpha;
    image->alphaRowBytes = view->alpha_stride;
    image->alphaPremultiplied = alpha && view->premultiplied;

    avifRGBImageSetDefaults(&rgb, image);
    rgb.depth = deep ? 16 : 8;
    rgb.format = alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = pixels;
    rgb.rowBytes = view->width * (alpha ? 4 : 3) * (deep ? 2 : 1);
    result = avifImageYUVToRGB(image, &rgb);
    avifImageDestroy(image);
    return result;
}

static avifResult describe(avifImage *image, const ig_avif_source *source) {
    image->yuvRange = AVIF_RANGE_FULL;
    image->matrixCoefficients = (avifMatrixCoefficients) source->matrix;
    if (source->icc_len == 0) {
        image->colorPrimaries = (avifColorPrimaries) source->primaries;
        image->transferCharacteristics = (avifTransferCharacteristics) source->transfer;
    }
#if AVIF_VERSION >= 1000000
    avifResult result = AVIF_RESULT_OK;
    if (source->icc_len != 0) {
        result = avifImageSetProfileICC(image, source->icc, source->icc_len);
    }
    if (result == AVIF_RESULT_OK && source->exif_len != 0) {
        result = avifImageSetMetadataExif(image, source->exif, source->exif_len);
    }
    if (result == AVIF_RESULT_OK && source->xmp_len != 0) {
        result = avifImageSetMetadataXMP(image, source->xmp, source->xmp_len);
    }
    return result;
#else
    if (source->icc_len != 0) {
        avifImageSetProfileICC(image, source->icc, source->icc_len);
    }
    if (source->exif_len != 0) {
        avifImageSetMetadataExif(image, source->exif, source->exif_len);
    }
    if (source->xmp_len != 0) {
        avifImageSetMetadataXMP(image, source->xmp, source->xmp_len);
    }
    return AVIF_RESULT_OK;
#endif
}

static avifResult set_quality(avifEncoder *encoder, const ig_avif_source *source) {
    encoder->maxThreads = 1;
    encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
    encoder->speed = source->speed;
#if AVIF_VERSION >= 1000000
    encoder->quality = source->quality;
    encoder->qualityAlpha = source->quality;
    return AVIF_RESULT_OK;
#else
    /* What later versions do with a quality. */
    const int quantizer = ((100 - source->quality) * 63 + 50) / 100;
    static const char digits[] = "0123456789";
    const char level[] = { digits[quantizer / 10], digits[quantizer % 10], 0 };
    encoder->minQuantizer = encoder->minQuantizerAlpha = AVIF_QUANTIZER_BEST_QUALITY;
    encoder->maxQuantizer = encoder->maxQuantizerAlpha = AVIF_QUANTIZER_WORST_QUALITY;
    avifEncoderSetCodecSpecificOption(encoder, "end-usage", "q");
    avifEncoderSetCodecSpecificOption(encoder, "cq-level", level);
    return AVIF_RESULT_OK;
#endif
}

/* Encodes an image; `*out` has to be freed with ig_avif_free. */
int ig_avif_encode(const ig_avif_source *source, uint8_t **out, size_t *out_len) {
    avifRWData output = AVIF_DATA_EMPTY;
    const int depth = source->deep ? 10 : 8;
    avifImage *image = avifImageCreate(source->width, source->height, depth, AVIF_PIXEL_FORMAT_YUV420);
    avifEncoder *encoder = avifEncoderCreate();
    avifResult result = AVIF_RESULT_OUT_OF_MEMORY;

    if (image != NULL && encoder != NULL) {
        avifRGBImage rgb;
        avifRGBImageSetDefaults(&rgb, image);
        rgb.format = source->alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
        /* Only read, though the type does not say so. */
        rgb.pixels = (uint8_t *) source->pixels;
        rgb.depth = source->deep ? 16 : 8;
        rgb.rowBytes = source->width * (source->alpha ? 4 : 3) * (source->deep ? 2 : 1);

        result = describe(image, source);
        if (result == AVIF_RESULT_OK) {
            result = avifImageRGBToYUV(image, &rgb);
        }
        if (result == AVIF_RESULT_OK) {
            result = set_quality(encoder, source);
        }
        if (result == AVIF_RESULT_OK) {
            result = avifEncoderWrite(encoder, image, &output);
        }
    }
    if (encoder != NULL) {
        avifEncoderDestroy(encoder);
    }
    if (image != NULL) {
        avifImageDestroy(image);
    }
    if (result != AVIF_RESULT_OK) {
        avifRWDataFree(&output);
        return result;
    }
    *out = output.data;
    *out_len = output.size;
    return AVIF_RESULT_OK;
}

void ig_avif_free(uint8_t *data, size_t len) {
    avifRWData output = { data, len };
    avifRWDataFree(&output);
}

const char *ig_avif_message(int result) {
    return avifResultToString((avifResult) result);
}
