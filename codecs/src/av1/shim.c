/*
 * dav1d, one frame at a time, and so that it can be stopped within one.
 *
 * dav1d looks between rows of superblocks whether it is to be flushed, but only on threads of its
 * own: with two of them, and two frames in flight, sending data returns at once, and closing the
 * decoder stops what is under way. That a frame is begun shows by the room that dav1d asks for, and
 * that it is done by its data, which is let go then.
 */

#include <dav1d/dav1d.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    Dav1dContext *context;
    int width;                  /* of the largest frame that there may be */
    int height;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int held;                   /* data that dav1d still has; under the lock */
    int begun;                  /* frames that were begun; of the thread that sends */
    int waited_for;             /* and how many of them were before what was sent last */
    int threaded;               /* whether dav1d works while nobody is in it */
} ig_av1;

typedef struct {
    const uint8_t *planes[3];
    ptrdiff_t strides[2];       /* in bytes: of luma, of chroma */
    uint32_t width;
    uint32_t height;
    uint8_t depth;
    uint8_t layout;             /* 0 to 3: 4:0:0, 4:2:0, 4:2:2, 4:4:4 */
    uint8_t full_range;
    uint8_t spatial_id;
    Dav1dPicture *held;         /* what has the planes; to be freed by ig_av1_let_go */
} ig_av1_picture;

static void let_go(const uint8_t *data, void *cookie) {
    ig_av1 *decoder = cookie;
    (void) data;
    pthread_mutex_lock(&decoder->lock);
    decoder->held--;
    pthread_cond_signal(&decoder->changed);
    pthread_mutex_unlock(&decoder->lock);
}

/* Room for a picture, as dav1d/picture.h wants it: whole blocks of 128 pixels, rows that begin
 * where vectors do and not all in the same set of the cache, one alignment more at the end. A frame
 * may say its own size, of which dav1d looks at the product alone: one pixel wide, and as high as it
 * has pixels, it would take 128 times the room. */
static int make_room(Dav1dPicture *picture, void *cookie) {
    ig_av1 *decoder = cookie;
    const size_t grain = DAV1D_PICTURE_ALIGNMENT;
    const int grey = picture->p.layout == DAV1D_PIXEL_LAYOUT_I400;
    const int half_wide = picture->p.layout != DAV1D_PIXEL_LAYOUT_I444;
    const int half_high = picture->p.layout == DAV1D_PIXEL_LAYOUT_I420;
    size_t width = ((size_t) picture->p.w + 127) / 128 * 128;
    size_t height = ((size_t) picture->p.h + 127) / 128 * 128;
    size_t luma = width * (picture->p.bpc > 8 ? 2 : 1);
    size_t chroma = grey ? 0 : luma / (half_wide ? 2 : 1);
    uint8_t *room;

    if (picture->p.w > decoder->width || picture->p.h > decoder->height) {
        return DAV1D_ERR(EINVAL);
    }
    luma += luma % 1024 == 0 ? grain : 0;
    chroma += chroma > 0 && chroma % 1024 == 0 ? grain : 0;
    size_t luma_plane = luma * height;
    size_t chroma_plane = chroma * (height / (half_high ? 2 : 1));
    room = aligned_alloc(grain, luma_plane + 2 * chroma_plane + grain);
    if (room == NULL) {
        return DAV1D_ERR(ENOMEM);
    }
    picture->allocator_data = picture->data[0] = room;
    picture->data[1] = grey ? NULL : room + luma_plane;
    picture->data[2] = grey ? NULL : room + luma_plane + chroma_plane;
    picture->stride[0] = (ptrdiff_t) luma;
    picture->stride[1] = (ptrdiff_t) chroma;
    decoder->begun++;
    return 0;
}

static void free_room(Dav1dPicture *picture, void *cookie) {
    (void) cookie;
    free(picture->allocator_data);
}

/* A decoder, whose frames may be as wide and as high, at most 65536 each; NULL without memory. */
ig_av1 *ig_av1_open(int stoppable, int width, int height, int operating_point, int all_layers) {
    ig_av1 *decoder = calloc(1, sizeof(*decoder));
    Dav1dSettings settings;
    sigset_t all, before;

    if (decoder == NULL) {
        return NULL;
    }
    pthread_mutex_init(&decoder->lock, NULL);
    pthread_cond_init(&decoder->changed, NULL);
    dav1d_default_settings(&settings);
    decoder->threaded = stoppable;
    decoder->width = width;
    decoder->height = height;
    settings.n_threads = settings.max_frame_delay = stoppable ? 2 : 1;
    settings.operating_point = operating_point;
    settings.all_layers = all_layers;
    /* Before anything is allocated; 0 were no limit. */
    uint64_t pixels = (uint64_t) width * (uint64_t) height;
    settings.frame_size_limit = pixels > UINT_MAX ? UINT_MAX : (unsigned) pixels;
    settings.logger.callback = NULL;
    settings.allocator.cookie = decoder;
    settings.allocator.alloc_picture_callback = make_room;
    settings.allocator.release_picture_callback = free_room;
    /* Threads take over what their maker blocks; signals are for the threads of nginx. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (dav1d_open(&decoder->context, &settings) < 0) {
        decoder->context = NULL;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (decoder->context == NULL) {
        pthread_mutex_destroy(&decoder->lock);
        pthread_cond_destroy(&decoder->changed);
        free(decoder);
        return NULL;
    }
    return decoder;
}

/* Begins to decode; `data` has to stay until ig_av1_wait or ig_av1_close. Answers 0, 1 where a
 * picture has to be taken first, or an error below 0. */
int ig_av1_send(ig_av1 *decoder, const uint8_t *bytes, size_t len) {
    Dav1dData data = { 0 };
    int result;

    decoder->waited_for = decoder->begun;
    pthread_mutex_lock(&decoder->lock);
    decoder->held++;
    pthread_mutex_unlock(&decoder->lock);
    result = dav1d_data_wrap(&data, bytes, len, let_go, decoder);
    if (result < 0) {
        pthread_mutex_lock(&decoder->lock);
        decoder->held--;
        pthread_mutex_unlock(&decoder->lock);
        return result;
    }
    result = dav1d_send_data(decoder->context, &data);
    dav1d_data_unref(&data);
    return result == DAV1D_ERR(EAGAIN) ? 1 : result;
}

/* Waits so many milliseconds for what was sent; answers whether it is done. It is, too, where dav1d
 * keeps it and does nothing: tiles of a frame of which others are to come, and without threads what
 * stands behind a picture. */
int ig_av1_wait(ig_av1 *decoder, int milliseconds) {
    struct timespec until;
    int done;

    if (!decoder->threaded || decoder->begun == decoder->waited_for) {
        return 1;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += milliseconds * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&decoder->lock);
    while (decoder->held > 0
           && pthread_cond_timedwait(&decoder->changed, &decoder->lock, &until) == 0) {
    }
    done = decoder->held <= 0;
    pthread_mutex_unlock(&decoder->lock);
    return done;
}

/* Takes a picture, where all that was sent is done. It stays when the decoder goes. Answers 0, 1
 * where there is none, or an error below 0. */
int ig_av1_take(ig_av1 *decoder, ig_av1_picture *out) {
    Dav1dPicture picture = { 0 };
    int result = dav1d_get_picture(decoder->context, &picture);

    if (result == DAV1D_ERR(EAGAIN)) {
        /* Only the second time in a row dav1d empties its pipeline. */
        result = dav1d_get_picture(decoder->context, &picture);
    }
    if (result < 0) {
        return result == DAV1D_ERR(EAGAIN) ? 1 : result;
    }
    out->held = malloc(sizeof(*out->held));
    if (out->held == NULL) {
        dav1d_picture_unref(&picture);
        return DAV1D_ERR(ENOMEM);
    }
    *out->held = picture;
    for (int i = 0; i < 3; i++) {
        out->planes[i] = picture.data[i];
    }
    out->strides[0] = picture.stride[0];
    out->strides[1] = picture.stride[1];
    out->width = (uint32_t) picture.p.w;
    out->height = (uint32_t) picture.p.h;
    out->depth = (uint8_t) picture.p.bpc;
    out->layout = (uint8_t) picture.p.layout;
    out->full_range = (uint8_t) (picture.seq_hdr->color_range != 0);
    out->spatial_id = (uint8_t) picture.frame_hdr->spatial_id;
    return 0;
}

void ig_av1_let_go(Dav1dPicture *held) {
    dav1d_picture_unref(held);
    free(held);
}

/* Stops what is under way, and frees all but pictures that were taken. */
void ig_av1_close(ig_av1 *decoder) {
    dav1d_close(&decoder->context);
    pthread_mutex_destroy(&decoder->lock);
    pthread_cond_destroy(&decoder->changed);
    free(decoder);
}
