/*
 * libavif behind functions whose arguments stay the same from version to version.
 *
 * One thread: maxThreads is 1 everywhere, with which neither libavif nor dav1d nor libaom starts
 * any.
 */

#include <avif/avif.h>
#include <string.h>

typedef struct {
    uint32_t width;
    uint32_t height;
    uint32_t depth;
    uint32_t frames;
    uint8_t alpha;
    uint8_t rotation;           /* quarter turns, counter-clockwise */
    uint8_t mirror;             /* 0 none, 1 top and bottom, 2 left and right; after the rotation */
    uint16_t primaries;         /* code points of ITU-T H.273 */
    uint16_t transfer;
    const uint8_t *icc;
    size_t icc_len;
    const uint8_t *exif;
    size_t exif_len;
    const uint8_t *xmp;
    size_t xmp_len;
} ig_avif_info;

typedef struct {
    const uint8_t *pixels;      /* RGB, or RGBA with alpha, without gaps */
    uint32_t width;
    uint32_t height;
    uint8_t alpha;
    uint8_t quality;            /* 0 to 100 */
    uint8_t speed;              /* 0 to 10 */
    const uint8_t *icc;
    size_t icc_len;
    const uint8_t *exif;
    size_t exif_len;
    const uint8_t *xmp;
    size_t xmp_len;
} ig_avif_source;

/* Reads the boxes, and no pixel. `data` has to stay until the decoder is closed. */
int ig_avif_open(const uint8_t *data, size_t len, avifDecoder **out, ig_avif_info *info) {
    avifDecoder *decoder = avifDecoderCreate();
    avifResult result;

    if (decoder == NULL) {
        return AVIF_RESULT_OUT_OF_MEMORY;
    }
    decoder->maxThreads = 1;
    /* Older writers leave out what the standard wants and nobody needs. */
    decoder->strictFlags = AVIF_STRICT_DISABLED;

    result = avifDecoderSetIOMemory(decoder, data, len);
    if (result == AVIF_RESULT_OK) {
        result = avifDecoderParse(decoder);
    }
    if (result != AVIF_RESULT_OK) {
        avifDecoderDestroy(decoder);
        return result;
    }

    const avifImage *image = decoder->image;
    memset(info, 0, sizeof(*info));
    info->width = image->width;
    info->height = image->height;
    info->depth = image->depth;
    info->frames = decoder->imageCount > 0 ? (uint32_t) decoder->imageCount : 1;
    info->alpha = decoder->alphaPresent ? 1 : 0;
    if (image->transformFlags & AVIF_TRANSFORM_IROT) {
        info->rotation = image->irot.angle & 3;
    }
    if (image->transformFlags & AVIF_TRANSFORM_IMIR) {
#if AVIF_VERSION >= 1000000
        info->mirror = 1 + (image->imir.axis & 1);
#else
        info->mirror = 1 + (image->imir.mode & 1);
#endif
    }
    info->primaries = (uint16_t) image->colorPrimaries;
    info->transfer = (uint16_t) image->transferCharacteristics;
    info->icc = image->icc.data;
    info->icc_len = image->icc.size;
    info->exif = image->exif.data;
    info->exif_len = image->exif.size;
    info->xmp = image->xmp.data;
    info->xmp_len = image->xmp.size;
    *out = decoder;
    return AVIF_RESULT_OK;
}

/* Decodes the first image, 8 bits a channel, into rows without gaps of the announced size. */
int ig_avif_decode(avifDecoder *decoder, uint8_t *pixels) {
    const uint32_t width = decoder->image->width, height = decoder->image->height;
    const int alpha = decoder->alphaPresent;
    avifRGBImage rgb;
    avifResult result;

    /* The bitstream must not need more than its container announced: codecs take the limit over
     * from what is parsed under it. */
    decoder->imageSizeLimit = width * height;
    result = avifDecoderParse(decoder);
    if (result == AVIF_RESULT_OK) {
        result = avifDecoderNextImage(decoder);
    }
    if (result != AVIF_RESULT_OK) {
        return result;
    }
    if (decoder->image->width != width || decoder->image->height != height) {
        return AVIF_RESULT_BMFF_PARSE_FAILED;
    }
    avifRGBImageSetDefaults(&rgb, decoder->image);
    rgb.depth = 8;
    rgb.format = alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = pixels;
    rgb.rowBytes = width * (alpha ? 4 : 3);
    return avifImageYUVToRGB(decoder->image, &rgb);
}

void ig_avif_close(avifDecoder *decoder) {
    avifDecoderDestroy(decoder);
}

static avifResult describe(avifImage *image, const ig_avif_source *source) {
    image->yuvRange = AVIF_RANGE_FULL;
    image->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT601;
    if (source->icc_len == 0) {
        image->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
        image->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
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
    avifImage *image = avifImageCreate(source->width, source->height, 8, AVIF_PIXEL_FORMAT_YUV420);
    avifEncoder *encoder = avifEncoderCreate();
    avifResult result = AVIF_RESULT_OUT_OF_MEMORY;

    if (image != NULL && encoder != NULL) {
        avifRGBImage rgb;
        avifRGBImageSetDefaults(&rgb, image);
        rgb.format = source->alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
        /* Only read, though the type does not say so. */
        rgb.pixels = (uint8_t *) source->pixels;
        rgb.rowBytes = source->width * (source->alpha ? 4 : 3);

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
