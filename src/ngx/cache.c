/*
 * nginx's own cache of files, for answers that are no upstream's.  Its functions look for their
 * state in r->cache, which belongs to the upstream of a request: ours is put there for the time of a
 * call only.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Until when an entry holds, and for how many seconds it may go out after that. */

typedef struct {
    time_t  valid;
    time_t  updating;
    time_t  error;
} ig_times_t;


/* The name of the file that a request without a content handler of its own leads to. */

ngx_int_t
ig_source_path(ngx_http_request_t *r, ngx_str_t *path)
{
    size_t  root;

    if (r->content_handler != NULL || r->uri.data[r->uri.len - 1] == '/') {
        return NGX_DECLINED;
    }

    if (ngx_http_map_uri_to_path(r, path, &root, 0) == NULL) {
        return NGX_ERROR;
    }

    path->len = ngx_strlen(path->data);

    return NGX_OK;
}


/* Whether that name depends on variables. */

ngx_uint_t
ig_source_has_variables(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return r->content_handler == NULL && clcf->root_lengths != NULL;
}


/* Whether it is whatever has that name: nginx may have opened it before, or refuse a link to it. */

ngx_uint_t
ig_source_is_by_name(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

#if (NGX_HAVE_OPENAT)
    if (clcf->disable_symlinks != NGX_DISABLE_SYMLINKS_OFF) {
        return 0;
    }
#endif

    return clcf->open_file_cache == NULL;
}


/* Whether nginx gives the files of a location entity tags. */

ngx_uint_t
ig_source_has_etags(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return clcf->etag;
}


/* What nginx knows of a file that it has opened, and for how many seconds it does not look at it again. */

typedef struct {
    ngx_fd_t         fd;
    ngx_file_uniq_t  uniq;
    time_t           mtime;
    off_t            size;
    time_t           valid;
} ig_opened_t;


/* Opens it as nginx itself does. */

ngx_int_t
ig_source_open(ngx_http_request_t *r, ngx_str_t *path, ig_opened_t *opened)
{
    ngx_open_file_info_t       of;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(&of, sizeof(ngx_open_file_info_t));

    of.read_ahead = clcf->read_ahead;
    of.directio = clcf->directio;
    of.valid = clcf->open_file_cache_valid;
    of.min_uses = clcf->open_file_cache_min_uses;
    of.errors = clcf->open_file_cache_errors;
    of.events = clcf->open_file_cache_events;

    if (ngx_http_set_disable_symlinks(r, clcf, path, &of) != NGX_OK
        || ngx_open_cached_file(clcf->open_file_cache, path, &of, r->pool) != NGX_OK
        || !of.is_file)
    {
        return NGX_DECLINED;
    }

    opened->fd = of.fd;
    opened->uniq = of.uniq;
    opened->mtime = of.mtime;
    opened->size = of.size;
    opened->valid = (clcf->open_file_cache == NULL) ? 0 : clcf->open_file_cache_valid;

    return NGX_OK;
}


/* An answer out of a file that stays open as long as the request. */

ngx_int_t
ig_request_send_file(ngx_http_request_t *r, ngx_fd_t fd, ngx_str_t *name, off_t start, off_t end)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->allow_ranges = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->file_pos = start;
    b->file_last = end;
    b->in_file = end > start;
    b->last_buf = 1;
    b->last_in_chain = 1;

    b->file->fd = fd;
    b->file->name = *name;
    b->file->log = r->connection->log;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


#if (NGX_HTTP_CACHE)

ngx_uint_t
ig_cache_available(void)
{
    return 1;
}


/* Reads the words of a directive as those of "proxy_cache_path". */

void *
ig_cache_declare(ngx_conf_t *cf, ngx_str_t *directive, void *tag, ngx_str_t *zone,
    ngx_str_t *path)
{
    ngx_array_t             caches;
    ngx_command_t           command;
    ngx_http_file_cache_t  *cache;

    if (ngx_array_init(&caches, cf->pool, 1, sizeof(ngx_http_file_cache_t *)) != NGX_OK) {
        return NULL;
    }

    ngx_memzero(&command, sizeof(ngx_command_t));
    command.name = *directive;
    command.post = tag;

    if (ngx_http_file_cache_set_slot(cf, &command, &caches) != NGX_CONF_OK) {
        return NULL;
    }

    cache = ((ngx_http_file_cache_t **) caches.elts)[0];

    *zone = cache->shm_zone->shm.name;
    *path = cache->path->name;

    return cache;
}


/*
 * The state of a look-up by a digest, which lives as long as the request.  nginx would digest that
 * once more, for the name of a file, and make a checksum of it: parts of it do as well.
 */

ngx_http_cache_t *
ig_cache_entry(ngx_http_request_t *r, void *cache, const u_char *digest, size_t room,
    ngx_uint_t min_uses)
{
    ngx_int_t          rc;
    ngx_str_t         *k;
    ngx_http_cache_t  *c, *other;

    /* The bytes of nginx's header without the key: the same for all, but not told otherwise. */
    static size_t      fixed;

    other = r->cache;
    rc = ngx_http_file_cache_new(r);
    c = r->cache;
    k = (rc == NGX_OK) ? ngx_array_push(&c->keys) : NULL;

    if (k != NULL) {
        k->len = 2 * NGX_HTTP_CACHE_KEY_LEN;
        k->data = ngx_pnalloc(r->pool, k->len);
    }

    if (k == NULL || k->data == NULL) {
        r->cache = other;
        return NULL;
    }

    (void) ngx_hex_dump(k->data, (u_char *) digest, NGX_HTTP_CACHE_KEY_LEN);

    if (fixed == 0) {
        ngx_http_file_cache_create_key(r);
        fixed = c->header_start - k->len;
    }

    r->cache = other;

    c->header_start = fixed + k->len;
    ngx_memcpy(c->key, digest, NGX_HTTP_CACHE_KEY_LEN);
    ngx_memcpy(c->main, digest, NGX_HTTP_CACHE_KEY_LEN);
    ngx_memcpy(&c->crc32, digest, sizeof(c->crc32));

    c->file_cache = cache;
    c->min_uses = min_uses;
    c->body_start = c->header_start + room;

    return c;
}


/* "detail" becomes what was said beside an error that is kept. */

ngx_int_t
ig_cache_open(ngx_http_request_t *r, ngx_http_cache_t *c, ngx_uint_t *detail)
{
    ngx_int_t          rc;
    ngx_uint_t         cached;
    ngx_http_cache_t  *other;

    other = r->cache;
    cached = r->cached;
    r->cache = c;

    rc = ngx_http_file_cache_open(r);

    r->cache = other;
    r->cached = cached;

    if (rc == NGX_AGAIN) {
        return rc;
    }

    if (c->error && c->node) {
        *detail = c->node->valid_msec;
    }

    /* The node is held no longer: a worker that is killed must not leave it locked. */

    ngx_http_file_cache_free(c, NULL);

    switch (rc) {

    case NGX_OK:
    case NGX_DECLINED:
    case NGX_ERROR:
        return rc;

    case NGX_HTTP_CACHE_STALE:
    case NGX_HTTP_CACHE_UPDATING:
        return NGX_BUSY;

    case NGX_HTTP_CACHE_SCARCE:
        return NGX_ABORT;

    default: /* the status of an error */
        return NGX_DONE;
    }
}


ngx_uint_t
ig_cache_is_read(ngx_http_cache_t *c)
{
    return c->buf != NULL;
}


/* What is in the file of an entry that was opened, between what nginx writes there and the body. */

void
ig_cache_found(ngx_http_cache_t *c, ngx_fd_t *fd, ngx_str_t *name, ngx_str_t *head, off_t *start,
    off_t *end)
{
    *fd = c->file.fd;
    *name = c->file.name;
    *start = c->body_start;
    *end = c->length;

    head->data = c->buf->pos + c->header_start;
    head->len = 0;

    if (c->body_start >= c->header_start
        && (size_t) (c->buf->last - c->buf->pos) >= c->body_start)
    {
        head->len = c->body_start - c->header_start;
    }
}


size_t
ig_cache_header_len(ngx_http_cache_t *c)
{
    return c->header_start;
}


static void
ig_cache_set_times(ngx_http_cache_t *c, const ig_times_t *times)
{
    c->valid_sec = times->valid;
    c->updating_sec = times->updating;
    c->error_sec = times->error;
    c->date = ngx_time();
}


/*
 * What the source of an entry that was opened is known by, until when it held, and whether it may go
 * out while it is asked for anew, and where that fails.
 */

void
ig_cache_source(ngx_http_cache_t *c, ngx_str_t *etag, time_t *modified, time_t *valid,
    ngx_uint_t *updating, ngx_uint_t *error)
{
    *valid = c->valid_sec;
    *etag = c->etag;
    *modified = c->last_modified;
    *updating = c->stale_updating;
    *error = c->stale_error;
}


/* Has an entry that was opened hold for longer, unless there is another by now. */

void
ig_cache_renew(ngx_http_request_t *r, ngx_http_cache_t *c, const ig_times_t *times)
{
    ngx_http_cache_t              *other;
    ngx_http_file_cache_header_t  *h;

    h = (ngx_http_file_cache_header_t *) c->buf->pos;

    c->vary.data = h->vary;
    c->vary.len = h->vary_len;
    ig_cache_set_times(c, times);

    other = r->cache;
    r->cache = c;

    ngx_http_file_cache_update_header(r);

    r->cache = other;
}


/*
 * What nginx writes at the start of an entry's file: as many bytes as said above.  Where the answer
 * varies, "found" is what it was looked for by, and "key" becomes what it is kept by.
 */

ngx_int_t
ig_cache_header(ngx_http_request_t *r, ngx_http_cache_t *c, ngx_http_cache_t *found, size_t room,
    const ig_times_t *times, ngx_str_t *etag, ngx_str_t *vary, u_char *buf, u_char *key)
{
    ngx_int_t          rc;
    ngx_http_cache_t  *other;

    c->body_start = c->header_start + room;
    ig_cache_set_times(c, times);
    c->etag = *etag;
    c->last_modified = r->headers_out.last_modified_time;
    c->vary = *vary;

    other = r->cache;
    r->cache = c;

    rc = ngx_http_file_cache_set_header(r, buf);

    r->cache = other;

    if (found->secondary && vary->len
        && ngx_memcmp(c->variant, found->variant, NGX_HTTP_CACHE_KEY_LEN) == 0)
    {
        ngx_memcpy(key, c->variant, NGX_HTTP_CACHE_KEY_LEN);

    } else {
        ngx_memcpy(key, c->main, NGX_HTTP_CACHE_KEY_LEN);
    }

    return rc;
}


/*
 * Angie counts what is written by the cache status of the upstream, and looks at it without asking
 * whether there is one, and whether it has one: it gets one that is a miss for the time of the call.
 */

static void
ig_cache_update(ngx_http_request_t *r, ngx_temp_file_t *tf)
{
#if (defined angie_version && NGX_API)

    ngx_http_upstream_t  *other, counted;

    ngx_memzero(&counted, sizeof(ngx_http_upstream_t));
    counted.cache_status = NGX_HTTP_CACHE_MISS;

    other = r->upstream;
    r->upstream = &counted;

    ngx_http_file_cache_update(r, tf);

    r->upstream = other;

#else

    ngx_http_file_cache_update(r, tf);

#endif
}


/* Gives a file that was written elsewhere to the cache, which renames it. */

ngx_int_t
ig_cache_store(ngx_http_request_t *r, ngx_http_cache_t *c, u_char *key, size_t room, ngx_fd_t fd,
    ngx_str_t *name)
{
    ngx_int_t          rc;
    ngx_temp_file_t    tf;
    ngx_http_cache_t  *other;

    ngx_memzero(&tf, sizeof(ngx_temp_file_t));
    tf.file.fd = fd;
    tf.file.name = *name;
    tf.file.log = r->connection->log;

    ngx_memcpy(c->key, key, NGX_HTTP_CACHE_KEY_LEN);

    other = r->cache;
    r->cache = c;

    rc = ngx_http_file_cache_create(r);

    if (rc == NGX_OK) {
        c->body_start = c->header_start + room;
        ig_cache_update(r, &tf);

    } else {
        ngx_http_file_cache_free(c, NULL);
    }

    r->cache = other;

    return rc;
}

/* Keeps the status of an error, without a file, with as much beside it as nginx has ten bits for. */

ngx_int_t
ig_cache_store_error(ngx_http_request_t *r, ngx_http_cache_t *c, ngx_uint_t status,
    ngx_uint_t detail, time_t valid)
{
    ngx_int_t          rc;
    ngx_http_cache_t  *other;

    other = r->cache;
    r->cache = c;

    rc = ngx_http_file_cache_create(r);

    if (rc == NGX_OK) {
        c->error = status;
        c->valid_sec = valid;
        c->valid_msec = detail;
    }

    ngx_http_file_cache_free(c, NULL);

    r->cache = other;

    return rc;
}


/*
 * Until when what an upstream's own cache says of its answer holds: 0 is not any more, -1 is not
 * said.
 */

time_t
ig_upstream_until(ngx_http_request_t *r)
{
    time_t                valid;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL || r->cache == NULL) {
        return -1;
    }

    if (u->cache_status == NGX_HTTP_CACHE_STALE || u->cache_status == NGX_HTTP_CACHE_UPDATING) {
        return 0;
    }

    if (r->cache->valid_sec) {
        return r->cache->valid_sec;
    }

    valid = ngx_http_file_cache_valid(u->conf->cache_valid, NGX_HTTP_OK);

    return valid ? ngx_time() + valid : -1;
}

#else

time_t
ig_upstream_until(ngx_http_request_t *r)
{
    return -1;
}


ngx_uint_t
ig_cache_available(void)
{
    return 0;
}


void *
ig_cache_declare(ngx_conf_t *cf, ngx_str_t *directive, void *tag, ngx_str_t *zone,
    ngx_str_t *path)
{
    return NULL;
}


void *
ig_cache_entry(ngx_http_request_t *r, void *cache, const u_char *digest, size_t room,
    ngx_uint_t min_uses)
{
    return NULL;
}


ngx_int_t
ig_cache_store_error(ngx_http_request_t *r, void *c, ngx_uint_t status, ngx_uint_t detail,
    time_t valid)
{
    return NGX_ERROR;
}


ngx_int_t
ig_cache_open(ngx_http_request_t *r, void *c, ngx_uint_t *detail)
{
    return NGX_ERROR;
}


ngx_uint_t
ig_cache_is_read(void *c)
{
    return 0;
}


void
ig_cache_found(void *c, ngx_fd_t *fd, ngx_str_t *name, ngx_str_t *head, off_t *start, off_t *end)
{
}


size_t
ig_cache_header_len(void *c)
{
    return 0;
}


ngx_int_t
ig_cache_header(ngx_http_request_t *r, void *c, void *found, size_t room, const ig_times_t *times,
    ngx_str_t *etag, ngx_str_t *vary, u_char *buf, u_char *key)
{
    return NGX_ERROR;
}


void
ig_cache_source(void *c, ngx_str_t *etag, time_t *modified, time_t *valid, ngx_uint_t *updating,
    ngx_uint_t *error)
{
}


void
ig_cache_renew(ngx_http_request_t *r, void *c, const ig_times_t *times)
{
}


ngx_int_t
ig_cache_store(ngx_http_request_t *r, void *c, u_char *key, size_t room, ngx_fd_t fd,
    ngx_str_t *name)
{
    return NGX_ERROR;
}

#endif


/*
 * Headers of a request without the conditions that its client sets for the answer, and with some
 * that are set for the source of that.  nginx itself goes on by those of the client.
 */

static ngx_int_t
ig_list_add(ngx_list_t *list, char *name, char *lowcase, size_t len, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(list);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->key.data = (u_char *) name;
    h->key.len = len;
    h->lowcase_key = (u_char *) lowcase;
    h->hash = ngx_hash_key((u_char *) lowcase, len);
    h->value = *value;

    return NGX_OK;
}


static ngx_uint_t
ig_is_condition(ngx_table_elt_t *h)
{
    ngx_uint_t        i;
    static ngx_str_t  names[] = {
        ngx_string("If-Match"),
        ngx_string("If-Modified-Since"),
        ngx_string("If-None-Match"),
        ngx_string("If-Unmodified-Since")
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (h->key.len == names[i].len
            && ngx_strncasecmp(h->key.data, names[i].data, names[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ig_request_set_headers(ngx_http_request_t *r, ngx_list_t *list)
{
    ngx_uint_t  first;

    first = (list->last == &list->part);

    r->headers_in.headers = *list;

    if (first) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }
}


ngx_int_t
ig_request_set_conditions(ngx_http_request_t *r, ngx_str_t *etag, ngx_str_t *modified,
    ngx_list_t *before)
{
    ngx_uint_t        i;
    ngx_list_t        list;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *copy;

    if (ngx_list_init(&list, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (ig_is_condition(&h[i])) {
                continue;
            }

            copy = ngx_list_push(&list);
            if (copy == NULL) {
                return NGX_ERROR;
            }

            *copy = h[i];
        }
    }

#define ig_add(name, lowcase, value)                                          \
    ig_list_add(&list, name, lowcase, sizeof(name) - 1, value)

    if ((etag->len
         && ig_add("If-None-Match", "if-none-match", etag) != NGX_OK)
        || (modified->len
            && ig_add("If-Modified-Since", "if-modified-since", modified) != NGX_OK))
    {
        return NGX_ERROR;
    }

    *before = r->headers_in.headers;

    ig_request_set_headers(r, &list);

    return NGX_OK;
}


/*
 * A request that is made beside another and answered to nobody, as nginx's own cache makes one.  It
 * goes on where that is by now.
 */

ngx_http_request_t *
ig_request_in_background(ngx_http_request_t *r)
{
    ngx_http_request_t  *sr;

    if (ngx_http_subrequest(r, &r->uri, &r->args, &sr, NULL,
                            NGX_HTTP_SUBREQUEST_CLONE
                            |NGX_HTTP_SUBREQUEST_BACKGROUND)
        != NGX_OK)
    {
        return NULL;
    }

    sr->method = NGX_HTTP_GET;
    sr->method_name = ngx_http_core_get_method;
    sr->error_page = 1;

    sr->headers_in.if_match = NULL;
    sr->headers_in.if_modified_since = NULL;
    sr->headers_in.if_none_match = NULL;
    sr->headers_in.if_unmodified_since = NULL;

    return sr;
}


/* A time as HTTP has it. */

ngx_int_t
ig_http_time(ngx_pool_t *pool, time_t time, ngx_str_t *text)
{
    text->data = ngx_pnalloc(pool, sizeof("Mon, 28 Sep 1970 06:00:00 GMT") - 1);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_http_time(text->data, time) - text->data;

    return NGX_OK;
}


/* The status that the upstream of a request sent; 0 where there is none. */

ngx_uint_t
ig_upstream_status(const ngx_http_request_t *r)
{
    return r->upstream ? r->upstream->headers_in.status_n : 0;
}


/* What an answer leaves behind that does not go out, for one that does in its place. */

void
ig_request_answer_anew(ngx_http_request_t *r)
{
    r->err_status = 0;
    r->disable_not_modified = 0;
}


/* Whether a location names who answers its requests, and is no folder of files. */

ngx_uint_t
ig_request_has_handler(const ngx_http_request_t *r)
{
    return r->content_handler != NULL;
}


/* What "proxy_ignore_headers" and the like say. */

ngx_uint_t
ig_upstream_ignored(const ngx_http_request_t *r)
{
    return r->upstream ? r->upstream->conf->ignore_headers : 0;
}


/* What leads to a server: its address as the system has it, the name, and the scheme. */

ngx_int_t
ig_request_server(ngx_http_request_t *r, ngx_str_t *address, ngx_str_t *host, ngx_uint_t *is_tls)
{
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);
    *host = r->headers_in.server.len ? r->headers_in.server : cscf->server_name;

#if (NGX_HTTP_SSL)
    *is_tls = r->connection->ssl != NULL;
#else
    *is_tls = 0;
#endif

    if (ngx_connection_local_sockaddr(r->connection, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    address->data = (u_char *) r->connection->local_sockaddr;
    address->len = r->connection->local_socklen;

    return NGX_OK;
}


/*
 * A request that waits in a phase: what its client does is looked at, nothing else is done until
 * "ig_request_go_on".
 */

ngx_int_t
ig_request_wait(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return ngx_handle_read_event(r->connection->read, 0);
}


void
ig_request_go_on(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;
}


/*
 * Does not notice that the client leaves, until something is sent to it. A body that is read or
 * thrown away still is, and which handler does that says so: "discard_body" does not, as freenginx
 * has it set for good once a body, also none, is to be thrown away.
 */

void
ig_request_stay(ngx_http_request_t *r)
{
    if (!r->reading_body
        && r->read_event_handler != ngx_http_discarded_request_body_handler)
    {
        r->read_event_handler = ngx_http_block_reading;
    }
}


ngx_uint_t
ig_request_has_body(const ngx_http_request_t *r)
{
    return r->headers_in.content_length_n > 0 || r->headers_in.chunked;
}


/* Puts a header back that was taken from an answer like this, where nginx looks for it. */

ngx_int_t
ig_request_put_header(ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h, **ph;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key = *name;
    h->value = *value;

#define ig_is(text)                                                           \
    (name->len == sizeof(text) - 1                                            \
     && ngx_strncasecmp(name->data, (u_char *) text, sizeof(text) - 1) == 0)

    if (ig_is("ETag")) {
        r->headers_out.etag = h;

    } else if (ig_is("Last-Modified")) {
        r->headers_out.last_modified = h;

    } else if (ig_is("Expires")) {
        r->headers_out.expires = h;

    } else if (ig_is("Cache-Control")) {

#if (nginx_version < 1023000)

        if (r->headers_out.cache_control.elts == NULL
            && ngx_array_init(&r->headers_out.cache_control, r->pool, 1,
                              sizeof(ngx_table_elt_t *))
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        ph = ngx_array_push(&r->headers_out.cache_control);
        if (ph == NULL) {
            return NGX_ERROR;
        }

#else

        for (ph = &r->headers_out.cache_control; *ph; ph = &(*ph)->next) { /* void */ }

#endif

        *ph = h;
    }

    return NGX_OK;
}
