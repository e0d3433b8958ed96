/*
 * What of nginx can only be reached from C: bit-fields, whose place a binding generator guesses,
 * macros and inline functions, and symbols that an nginx may lack.  Compiled against the headers
 * of the nginx that the module is built for.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>


#define ig_get(type, tag, field)                                              \
    ngx_uint_t ig_##tag##_##field(const type *x) { return x->field; }

#define ig_set(type, tag, field)                                              \
    void ig_##tag##_set_##field(type *x, ngx_uint_t value) { x->field = value; }

ig_get(ngx_http_request_t, request, aio)
ig_get(ngx_http_request_t, request, blocked)
ig_get(ngx_http_request_t, request, buffered)
ig_get(ngx_http_request_t, request, count)
ig_get(ngx_http_request_t, request, done)
ig_get(ngx_http_request_t, request, header_only)

ig_get(ngx_event_t, event, posted)
ig_get(ngx_event_t, event, timer_set)

ig_get(ngx_buf_t, buf, flush)
ig_get(ngx_buf_t, buf, in_file)
ig_get(ngx_buf_t, buf, last_buf)

ig_get(ngx_connection_t, connection, error)

ig_get(ngx_http_upstream_headers_in_t, upstream_headers, chunked)

ig_get(ngx_variable_value_t, value, len)
ig_get(ngx_variable_value_t, value, no_cacheable)
ig_get(ngx_variable_value_t, value, valid)

ig_get(ngx_http_core_loc_conf_t, location, exact_match)
ig_get(ngx_http_core_loc_conf_t, location, internal)
ig_get(ngx_http_core_loc_conf_t, location, named)
ig_get(ngx_http_core_loc_conf_t, location, noname)

ig_set(ngx_http_request_t, request, aio)
ig_set(ngx_http_request_t, request, allow_ranges)
ig_set(ngx_http_request_t, request, blocked)
ig_set(ngx_http_request_t, request, buffered)
ig_set(ngx_http_request_t, request, count)
ig_set(ngx_http_request_t, request, error_page)
ig_set(ngx_http_request_t, request, expect_trailers)
ig_set(ngx_http_request_t, request, main_filter_need_in_memory)
ig_set(ngx_http_request_t, request, preserve_body)
ig_set(ngx_http_request_t, request, valid_unparsed_uri)

ig_set(ngx_connection_t, connection, sendfile)

ig_set(ngx_event_t, event, cancelable)
ig_set(ngx_event_t, event, delayed)
ig_set(ngx_event_t, event, timedout)

ig_set(ngx_buf_t, buf, last_buf)
ig_set(ngx_buf_t, buf, last_in_chain)
ig_set(ngx_buf_t, buf, temporary)

ig_set(ngx_variable_value_t, value, len)
ig_set(ngx_variable_value_t, value, no_cacheable)
ig_set(ngx_variable_value_t, value, not_found)
ig_set(ngx_variable_value_t, value, valid)


/* Where nginx keeps Accept-Encoding; an nginx that packs nothing has no such place. */

ngx_table_elt_t **
ig_request_accept_encoding(ngx_http_request_t *r)
{
#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
    return &r->headers_in.accept_encoding;
#else
    return NULL;
#endif
}


ngx_uint_t
ig_request_cached(const ngx_http_request_t *r)
{
#if (NGX_HTTP_CACHE)
    return r->cached;
#else
    return 0;
#endif
}


ngx_uint_t
ig_location_regex(const ngx_http_core_loc_conf_t *clcf)
{
#if (NGX_PCRE)
    return clcf->regex != NULL;
#else
    return 0;
#endif
}


/* Lines of the logs: the functions behind nginx's macros take other arguments in its forks. */

void
ig_log(ngx_uint_t level, ngx_log_t *log, const u_char *line, size_t len)
{
    ngx_log_error(level, log, 0, "%*s", len, line);
}


void
ig_conf_log(ngx_uint_t level, ngx_conf_t *cf, const u_char *line, size_t len)
{
    ngx_conf_log_error(level, cf, 0, "%*s", len, line);
}


ngx_uint_t
ig_buf_in_memory(const ngx_buf_t *b)
{
    return ngx_buf_in_memory(b);
}


void
ig_event_add_timer(ngx_event_t *ev, ngx_msec_t timer)
{
    ngx_add_timer(ev, timer);
}


void
ig_event_del_timer(ngx_event_t *ev)
{
    ngx_del_timer(ev);
}


void
ig_event_post(ngx_event_t *ev)
{
    ngx_post_event(ev, &ngx_posted_events);
}


void
ig_event_unpost(ngx_event_t *ev)
{
    ngx_delete_posted_event(ev);
}


/*
 * Where the line begins of which a log handler gets the free end.  The log of Angie may give it
 * other buffers than that of a whole line.
 */

u_char *
ig_log_line(u_char *buf, size_t len)
{
#if (defined angie_version)
    return buf;
#else
    return buf + len - NGX_MAX_ERROR_STR;
#endif
}


/*
 * An nginx configured without threads has no thread pool symbols; the weak references keep the
 * module loadable there.
 */

extern ngx_module_t  ngx_thread_pool_module;

#pragma weak ngx_thread_pool_add
#pragma weak ngx_thread_pool_module
#pragma weak ngx_thread_task_post

ngx_uint_t
ig_threads_available(void)
{
    return ngx_thread_pool_add != NULL && ngx_thread_task_post != NULL;
}


ngx_thread_pool_t *
ig_thread_pool_add(ngx_conf_t *cf, ngx_str_t *name)
{
    void               *conf;
    ngx_thread_pool_t  *tp;
    ngx_core_module_t  *http, *pools;

    if (ngx_thread_pool_add == NULL) {
        return NULL;
    }

    tp = ngx_thread_pool_add(cf, name);

    http = ngx_http_module.ctx;

    if (tp == NULL || http->init_conf == NULL) {
        return tp;
    }

    /*
     * Where http is merged when all was read, as in Angie, the pools are set up by then; to do it
     * again only sets up the new one, or refuses a name that is nowhere defined.
     */

    pools = ngx_thread_pool_module.ctx;
    conf = ngx_get_conf(cf->cycle->conf_ctx, ngx_thread_pool_module);

    return pools->init_conf(cf->cycle, conf) == NGX_CONF_OK ? tp : NULL;
}


/* A task whose completion event finds its way back to the request in "data". */

ngx_thread_task_t *
ig_thread_task_create(ngx_pool_t *pool, void (*complete)(ngx_event_t *ev), void *data,
    ngx_log_t *log)
{
    ngx_thread_task_t  *task;

    task = ngx_pcalloc(pool, sizeof(ngx_thread_task_t));
    if (task == NULL) {
        return NULL;
    }

    task->event.handler = complete;
    task->event.data = data;
    task->event.log = log;

    return task;
}


ngx_int_t
ig_thread_task_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task,
    void (*run)(void *ctx, ngx_log_t *log), void *ctx)
{
    if (ngx_thread_task_post == NULL) {
        return NGX_ERROR;
    }

    task->handler = run;
    task->ctx = ctx;

    return ngx_thread_task_post(tp, task);
}
