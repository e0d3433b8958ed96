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
ig_get(ngx_http_request_t, request, error_page)
ig_get(ngx_http_request_t, request, filter_finalize)
ig_get(ngx_http_request_t, request, header_only)
ig_get(ngx_http_request_t, request, internal)
ig_get(ngx_http_request_t, request, limit_rate_set)
ig_get(ngx_http_request_t, request, subrequest_ranges)

ig_get(ngx_event_t, event, posted)
ig_get(ngx_event_t, event, timer_set)

ig_get(ngx_buf_t, buf, flush)
ig_get(ngx_buf_t, buf, in_file)
ig_get(ngx_buf_t, buf, last_buf)
ig_get(ngx_buf_t, buf, last_in_chain)

ig_get(ngx_connection_t, connection, error)

ig_get(ngx_http_upstream_headers_in_t, upstream_headers, chunked)


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
ig_set(ngx_http_request_t, request, limit_rate_set)
ig_set(ngx_http_request_t, request, main_filter_need_in_memory)
ig_set(ngx_http_request_t, request, preserve_body)
ig_set(ngx_http_request_t, request, valid_location)
ig_set(ngx_http_request_t, request, valid_unparsed_uri)

ig_set(ngx_connection_t, connection, sendfile)

ig_set(ngx_event_t, event, cancelable)
ig_set(ngx_event_t, event, delayed)
ig_set(ngx_event_t, event, timedout)

ig_set(ngx_buf_t, buf, last_buf)
ig_set(ngx_buf_t, buf, last_in_chain)
ig_set(ngx_buf_t, buf, temporary)



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


/* What nginx's filter that writes takes for its rate, as it finds that out itself. */

size_t
ig_request_own_limit_rate(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (r->limit_rate_set) {
        return r->limit_rate;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return ngx_http_complex_value_size(r, clcf->limit_rate, 0);
}


/*
 * Has that filter find that it may send so many bytes now: it allows a second more than have
 * passed, less what was sent, plus what is free.  A negative number is what it waits for.
 */

void
ig_request_set_allowance(ngx_http_request_t *r, size_t rate, int64_t bytes)
{
    uint64_t  passed;

    passed = (uint64_t) rate * (uint64_t) (ngx_time() - r->start_sec + 1);

    r->limit_rate = rate;
    r->limit_rate_set = 1;
    r->limit_rate_after = (size_t) ((uint64_t) bytes - passed
                                    + (uint64_t) r->connection->sent);
    r->limit_rate_after_set = 1;
}


/* A function in nginx, and a macro in Angie. */

void
ig_set_process_title(char *title)
{
    ngx_setproctitle(title);
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


/* Whether a URI fits the regular expression of a location. */

ngx_uint_t
ig_location_matches(const ngx_http_core_loc_conf_t *clcf, ngx_str_t *uri)
{
#if (NGX_PCRE)
    return clcf->regex != NULL
           && ngx_regex_exec(clcf->regex->regex, uri, NULL, 0) >= 0;
#else
    return 0;
#endif
}


/*
 * What nginx finds by a URI: the configuration of a location, or in Angie, where one location may
 * have several names, one of these.
 */

#if (defined angie_version && angie_version >= 1003000)

typedef ngx_http_core_loc_t  ig_location_t;

#define ig_location_conf(location)  ((location)->conf)

#else

typedef ngx_http_core_loc_conf_t  ig_location_t;

#define ig_location_conf(location)  (location)

#endif


/* The location within another that a URI leads to by its name, without those that are within that. */

static const ig_location_t *
ig_location_by_name(const ngx_http_core_loc_conf_t *within,
    const ngx_str_t *uri)
{
    size_t                                left, len;
    u_char                               *rest;
    ngx_int_t                             order;
    const ig_location_t                  *best;
    const ngx_http_location_tree_node_t  *node;

    best = NULL;
    rest = uri->data;
    left = uri->len;
    node = within->static_locations;

    while (node != NULL) {
        len = node->len;
        order = ngx_filename_cmp(rest, (u_char *) node->name,
                                 ngx_min(left, len));

        if (order < 0 || (order == 0 && left < len)) {
            node = node->left;

        } else if (order > 0) {
            node = node->right;

        } else if (left == len) {
            return node->exact ? node->exact : node->inclusive;

        } else if (node->inclusive != NULL) {
            best = node->inclusive;
            rest += len;
            left -= len;
            node = node->tree;

        } else {
            node = node->right;
        }
    }

    return best;
}


/*
 * The location within another, or within a server, that requests for a URI come to; NULL where
 * there is none.  "*is_sure" says that no regular expression of a level above is asked.  Without
 * any of them where "has_regexes" is 0.
 */

const ngx_http_core_loc_conf_t *
ig_location_find(const ngx_http_core_loc_conf_t *within, ngx_str_t *uri,
    ngx_uint_t has_regexes, ngx_uint_t *is_sure)
{
    const ig_location_t             *named;
    const ngx_http_core_loc_conf_t  *found, *below;

    *is_sure = 0;
    found = NULL;
    named = ig_location_by_name(within, uri);

    if (named != NULL) {
        found = ig_location_conf(named);

        if (named->exact_match) {
            *is_sure = 1;
            return found;
        }

        below = ig_location_find(found, uri, has_regexes, is_sure);

        if (*is_sure) {
            return below;
        }

#if (NGX_PCRE)
        if (named->noregex) {
            has_regexes = 0;
        }
#endif

        found = below ? below : found;
    }

#if (NGX_PCRE)
    if (has_regexes && within->regex_locations != NULL) {
        ig_location_t  **asked;

        for (asked = within->regex_locations; *asked != NULL; asked++) {
            if (ngx_regex_exec((*asked)->regex->regex, uri, NULL, 0) >= 0) {
                found = ig_location_conf(*asked);
                below = ig_location_find(found, uri, 1, is_sure);
                *is_sure = 1;
                return below ? below : found;
            }
        }
    }
#endif

    return found;
}


/* Gives a variable a value, or none where that is NULL.  All of the word, which may be unset. */

void
ig_value_set(ngx_variable_value_t *value, const ngx_str_t *found)
{
    ngx_memzero(value, sizeof(ngx_variable_value_t));

    if (found == NULL) {
        value->not_found = 1;
        return;
    }

    value->valid = 1;
    value->len = found->len;
    value->data = found->data;
}


/* Has a variable evaluated anew. */

void
ig_value_forget(ngx_variable_value_t *value)
{
    value->valid = 0;
    value->not_found = 0;
}


/*
 * What nginx's own modules keep of a location stands in none of its headers.  Both of these begin
 * with an array, or null; the one of access is of rules for IPv4, for which "all" is no mask.
 */

typedef struct {
    in_addr_t   mask;
    in_addr_t   addr;
    ngx_uint_t  deny;
} ig_access_rule_t;


/* Whether "allow all" is reached. */

ngx_uint_t
ig_access_allows_all(const void *conf)
{
    ngx_uint_t         i;
    ngx_array_t       *rules;
    ig_access_rule_t  *rule;

    rules = *(ngx_array_t *const *) conf;

    if (rules == NULL || rules->size != sizeof(ig_access_rule_t)) {
        return 0;
    }

    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {
        if (rule[i].mask == 0) {
            return rule[i].deny == 0;
        }
    }

    return 0;
}


/* Whether "auth_basic" names a realm, which begins what the module knows of a location. */

ngx_uint_t
ig_auth_basic_asks(const void *conf)
{
    const ngx_http_complex_value_t  *realm;

    realm = *(ngx_http_complex_value_t *const *) conf;

    if (realm == NULL || realm == NGX_CONF_UNSET_PTR) {
        return 0;
    }

    return realm->lengths != NULL
           || realm->value.len != 3
           || ngx_strncmp(realm->value.data, "off", 3) != 0;
}


/* Whether there is anything that may change the URI. */

ngx_uint_t
ig_rewrite_has_codes(const void *conf)
{
    return *(ngx_array_t *const *) conf != NULL;
}


/*
 * The first step of a location's "return", "break", "if" and "rewrite" at "from" or behind it.
 * What the codes are stands at the beginning of each; how long they are, nowhere.
 */

typedef enum {
    IG_REWRITE_RETURN = 1,
    IG_REWRITE_STOP,
    IG_REWRITE_IF,
    IG_REWRITE_BREAK,
    IG_REWRITE_LAST,
    IG_REWRITE_ON
} ig_rewrite_kind_e;


typedef struct {
    ngx_uint_t  kind;
    size_t      at;
    /* Of the block of an "if". */
    size_t      end;
    /* The variable that an "if" asks for, or the regular expression of a "rewrite". */
    ngx_str_t   name;
    /* How an "if" compares that, 0 where it only asks whether it is set; the status of a "return". */
    ngx_uint_t  order;
    /* The text for '=' and '!', that of a "return", or what a "rewrite" leads to as far as it is constant. */
    ngx_str_t   text;
    /* Whether a "rewrite" leads there each time. */
    ngx_uint_t  is_constant;
} ig_rewrite_step_t;


/* What "if ($it)", "if ($it = text)" and "if ($it ~ regex)" ask; the code of the "if" is at "at". */

static void
ig_rewrite_asked(ngx_conf_t *cf, u_char *codes, size_t at,
    ig_rewrite_step_t *step)
{
    size_t                         before;
    u_char                        *test;
    ngx_http_variable_t           *variables;
    ngx_http_script_code_pt        code;
    ngx_http_script_var_code_t    *var;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_script_value_code_t  *value;

    before = 0;
    value = NULL;

    if (at >= sizeof(uintptr_t) + sizeof(ngx_http_script_value_code_t)) {
        test = codes + at - sizeof(uintptr_t);
        code = *(ngx_http_script_code_pt *) test;

        if (code == ngx_http_script_equal_code
            || code == ngx_http_script_not_equal_code)
        {
            before = sizeof(ngx_http_script_value_code_t) + sizeof(uintptr_t);
            value = (ngx_http_script_value_code_t *) (codes + at - before);
            step->order = (code == ngx_http_script_equal_code) ? '=' : '!';

            if (value->code != ngx_http_script_value_code) {
                /* A text with variables, which is longer or, by chance, as long. */
                return;
            }
        }
    }

#if (NGX_PCRE)
    if (at >= sizeof(ngx_http_script_regex_code_t)) {
        test = codes + at - sizeof(ngx_http_script_regex_code_t);

        if (*(ngx_http_script_code_pt *) test
            == ngx_http_script_regex_start_code)
        {
            before = sizeof(ngx_http_script_regex_code_t);
            value = NULL;
            step->order = '~';
        }
    }
#endif

    before += sizeof(ngx_http_script_var_code_t);

    if (at < before) {
        return;
    }

    var = (ngx_http_script_var_code_t *) (codes + at - before);

    if (var->code != ngx_http_script_var_code) {
        return;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    variables = cmcf->variables.elts;

    if (var->index < cmcf->variables.nelts) {
        step->name = variables[var->index].name;
    }

    if (value != NULL) {
        step->text.len = value->text_len;
        step->text.data = (u_char *) value->text_data;
    }
}


#if (NGX_PCRE)

/* What the path that a "rewrite" leads to begins with, of which the code is at "at", and whether that is all. */

static void
ig_rewrite_target(u_char *codes, size_t len, size_t at, ig_rewrite_step_t *step)
{
    ngx_http_script_code_pt       code;
    ngx_http_script_copy_code_t  *copy;

    if (at + sizeof(ngx_http_script_copy_code_t) > len) {
        return;
    }

    copy = (ngx_http_script_copy_code_t *) (codes + at);

    if (copy->code == (ngx_http_script_code_pt) ngx_http_script_copy_code
        && copy->len <= len - at - sizeof(ngx_http_script_copy_code_t))
    {
        step->text.len = copy->len;
        step->text.data = (u_char *) (copy + 1);

        at += ngx_align(sizeof(ngx_http_script_copy_code_t) + copy->len,
                        sizeof(uintptr_t));

        if (at + sizeof(uintptr_t) <= len) {
            code = *(ngx_http_script_code_pt *) (codes + at);
            step->is_constant = code == ngx_http_script_regex_end_code
                                || code == ngx_http_script_start_args_code;
        }
    }
}

#endif


ngx_uint_t
ig_rewrite_step(ngx_conf_t *cf, const void *conf, size_t from,
    ig_rewrite_step_t *step)
{
    size_t                          at;
    u_char                         *elts;
    ngx_array_t                    *codes;
    ngx_http_script_code_pt         code;
    ngx_http_script_if_code_t      *condition;
    ngx_http_script_return_code_t  *answer;

    codes = *(ngx_array_t *const *) conf;

    if (codes == NULL || codes->size != 1) {
        return 0;
    }

    elts = codes->elts;
    ngx_memzero(step, sizeof(ig_rewrite_step_t));

    for (at = from;
         at + sizeof(uintptr_t) <= codes->nelts;
         at += sizeof(uintptr_t))
    {
        code = *(ngx_http_script_code_pt *) (elts + at);
        step->at = at;

        if (code == ngx_http_script_return_code) {
            step->kind = IG_REWRITE_RETURN;

            if (at + sizeof(ngx_http_script_return_code_t) <= codes->nelts) {
                answer = (ngx_http_script_return_code_t *) (elts + at);
                step->order = answer->status;
                step->text = answer->text.value;
            }

            return 1;
        }

        if (code == ngx_http_script_break_code) {
            step->kind = IG_REWRITE_STOP;
            return 1;
        }

        if (code == ngx_http_script_if_code
            && at + sizeof(ngx_http_script_if_code_t) <= codes->nelts)
        {
            condition = (ngx_http_script_if_code_t *) (elts + at);
            step->kind = IG_REWRITE_IF;
            step->end = at + condition->next;
            ig_rewrite_asked(cf, elts, at, step);
            return 1;
        }

#if (NGX_PCRE)
        if (code == ngx_http_script_regex_start_code
            && at + sizeof(ngx_http_script_regex_code_t) <= codes->nelts)
        {
            ngx_http_script_regex_code_t  *regex;

            regex = (ngx_http_script_regex_code_t *) (elts + at);

            if (!regex->uri || regex->redirect) {
                continue;
            }

            step->name = regex->regex->name;
            ig_rewrite_target(elts, codes->nelts,
                              at + sizeof(ngx_http_script_regex_code_t), step);

            if (regex->break_cycle) {
                step->kind = IG_REWRITE_BREAK;
                return 1;
            }

            /* Behind one after which nothing is rewritten stands a null. */

            step->kind = IG_REWRITE_ON;

            if (at + regex->next <= codes->nelts
                && *(uintptr_t *) (elts + at + regex->next - sizeof(uintptr_t))
                   == 0)
            {
                step->kind = IG_REWRITE_LAST;
            }

            return 1;
        }
#endif
    }

    return 0;
}


/* What the last regular expression has captured, and whether the next one leaves that as it is. */

typedef struct {
    ngx_uint_t  count;
    int        *places;
    u_char     *text;
    ngx_uint_t  is_shared;
} ig_captures_t;


void
ig_request_captures(const ngx_http_request_t *r, ig_captures_t *captures)
{
#if (NGX_PCRE)
    captures->count = r->ncaptures;
    captures->places = r->captures;
    captures->text = r->captures_data;
    captures->is_shared = r->realloc_captures;
#else
    ngx_memzero(captures, sizeof(ig_captures_t));
#endif
}


void
ig_request_set_captures(ngx_http_request_t *r, const ig_captures_t *captures)
{
#if (NGX_PCRE)
    r->ncaptures = captures->count;
    r->captures = captures->places;
    r->captures_data = captures->text;
    r->realloc_captures = captures->is_shared;
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
 * A handler in front of the one that nginx gives each request for the end of its lines in the error
 * log.  "censor" gets the line as far as it is there, and answers where it ends.  In Angie a
 * handler is called otherwise, and may get another buffer than that of the whole line.
 */

typedef u_char *(*ig_censor_pt)(ngx_http_request_t *r, u_char *start, u_char *end, u_char *last);

static ig_censor_pt  ig_censor;

#if (defined angie_version)

static ngx_log_ext_handler_pt  ig_nginx_log_handler;

static u_char *
ig_log_handler(ngx_log_t *log, u_char *buf, u_char *last, void *data)
{
    u_char              *end;
    ngx_http_log_ctx_t  *ctx;

    ctx = data;
    end = ig_nginx_log_handler(log, buf, last, data);

    return ctx->request == NULL ? end : ig_censor(ctx->request, buf, end, last);
}

#else

static ngx_http_log_handler_pt  ig_nginx_log_handler;

static u_char *
ig_log_handler(ngx_http_request_t *r, ngx_http_request_t *sr, u_char *buf, size_t len)
{
    u_char  *end;

    end = ig_nginx_log_handler(r, sr, buf, len);

    return ig_censor(r, buf + len - NGX_MAX_ERROR_STR, end, buf + len);
}

#endif


void
ig_request_censor(ngx_http_request_t *r, ig_censor_pt censor)
{
    if (r->log_handler == NULL || r->log_handler == ig_log_handler) {
        return;
    }

    /* The same function for all requests. */

    ig_nginx_log_handler = r->log_handler;
    ig_censor = censor;
    r->log_handler = ig_log_handler;
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


/* The pool of a name, which nginx itself refuses in the end where it is nowhere defined. */

ngx_thread_pool_t *
ig_thread_pool_add(ngx_conf_t *cf, ngx_str_t *name)
{
    return ngx_thread_pool_add ? ngx_thread_pool_add(cf, name) : NULL;
}


/*
 * Where http is merged when all was read, as in Angie, the pools are set up by then; to do it again
 * sets up those that were only asked for since. Never while directives are read: a pool may be
 * defined further below.
 */

ngx_int_t
ig_thread_pools_set_up(ngx_conf_t *cf)
{
    void               *conf;
    ngx_core_module_t  *http, *pools;

    http = ngx_http_module.ctx;

    if (http->init_conf == NULL) {
        return NGX_OK;
    }

    pools = ngx_thread_pool_module.ctx;
    conf = ngx_get_conf(cf->cycle->conf_ctx, ngx_thread_pool_module);

    return pools->init_conf(cf->cycle, conf) == NGX_CONF_OK ? NGX_OK : NGX_ERROR;
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


/* A request to another location that is made beside one and answered to nobody. */

ngx_http_request_t *
ig_request_beside(ngx_http_request_t *r, ngx_str_t *uri, ngx_str_t *args)
{
    ngx_http_request_t  *sr;

    if (ngx_http_subrequest(r, uri, args, &sr, NULL,
                            NGX_HTTP_SUBREQUEST_BACKGROUND)
        != NGX_OK)
    {
        return NULL;
    }

    sr->header_only = 1;

    /* It has no body, and is about no version of what was asked for. */

    sr->headers_in.content_length = NULL;
    sr->headers_in.content_length_n = -1;
    sr->headers_in.chunked = 0;

    sr->headers_in.range = NULL;
    sr->headers_in.if_range = NULL;
    sr->headers_in.if_match = NULL;
    sr->headers_in.if_modified_since = NULL;
    sr->headers_in.if_none_match = NULL;
    sr->headers_in.if_unmodified_since = NULL;

    return sr;
}


/* Whether the access phase is behind it. */

ngx_uint_t
ig_request_is_let_in(ngx_http_request_t *r)
{
    ngx_http_phase_handler_t   *ph;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    for (ph = cmcf->phase_engine.handlers + r->phase_handler; ph->checker; ph++) {
        if (ph->checker == ngx_http_core_post_access_phase) {
            return 0;
        }
    }

    return 1;
}
