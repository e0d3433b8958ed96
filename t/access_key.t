# access_key: where a key may be, who is let in, what is refused how, and that the original
# comes byte for byte.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Keys qw(key_file);

my $blocks = 0;

# Partners of all kinds, and a folder of originals that only a key leads to.
add_block_preprocessor(sub {
    my $block = shift;
    # A zone of its own also where nginx is reloaded: each block begins at nothing.
    my $zone = 'p' . ++$blocks;
    my ($config, $http_config) = map { s/zone=p\b/zone=$zone/gr } $block->config, $block->http_config || '';
    $block->set_value(config => $config);
    $block->set_value(user_files => [@{$block->user_files || []}, [ keys => key_file(
        acme    => 'KEY-ACME',
        beta    => 'KEY-BETA-1,KEY-BETA-2 preset=thumb,hd watermark=off',
        gone    => 'KEY-GONE disabled',
        old     => 'KEY-OLD not_after=2020-01-01',
        later   => 'KEY-LATER not_after=2999-12-31T23:59:59Z',
        narrow  => 'KEY-NARROW paths=/o/in/,/o/too/ watermark=on',
        odd     => 'k/e+y&=%',
    ) ]]);
    $block->set_value(http_config => "access_key_zone $zone 256k;\n    access_key_file $zone $ENV{TEST_NGINX_HTML_DIR}/keys;\n$http_config");
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: the four sources
--- config
    add_header X-Id $access_key_id always;
    add_header X-Status $access_key_status always;
    add_header X-Uri $access_key_uri always;
    location /o/ {
        access_key zone=p from=arg:key|header:X-Api-Key|cookie:k|uri:2;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /bearer/ {
        access_key zone=p from=header:Authorization;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/o/photo-300x200.jpg                                    401 !X-Id X-Status=missing !WWW-Authenticate
/o/photo-300x200.jpg?key=                               401 X-Status=missing
/o/photo-300x200.jpg [Cookie: x=KEY-ACME; k=]           401 X-Status=missing
/o/photo-300x200.jpg?key=KEY-ACME                       200 same=photo-300x200.jpg X-Id=acme X-Status=valid X-Uri=/o/photo-300x200.jpg
/o/photo-300x200.jpg?a=1&KEY=KEY%2dACME                 200 same=photo-300x200.jpg X-Id=acme
/o/photo-300x200.jpg?key=k/e%2By%26%3D%25               200 same=photo-300x200.jpg X-Id=odd
/o/photo-300x200.jpg [X-Api-Key: KEY-BETA-1]            200 same=photo-300x200.jpg X-Id=beta
/o/photo-300x200.jpg [X-Api-Key: KEY-BETA-2]            200 same=photo-300x200.jpg X-Id=beta
/o/photo-300x200.jpg [Cookie: a=b; k=KEY-ACME]          200 same=photo-300x200.jpg X-Id=acme
/o/KEY-ACME/photo-300x200.jpg                           200 same=photo-300x200.jpg X-Id=acme X-Uri=/o/photo-300x200.jpg
/o/KEY-ACM%45/photo-300x200.jpg                         200 same=photo-300x200.jpg X-Id=acme
/o//KEY-ACME/./x/../photo-300x200.jpg                   200 same=photo-300x200.jpg X-Id=acme
/o/KEY-ACME                                             401 X-Status=missing
/o/sub/photo-300x200.jpg                                401 X-Status=invalid
/o/sub/photo-300x200.jpg?key=KEY-ACME                   404 X-Status=valid X-Uri=/o/sub/photo-300x200.jpg
/bearer/photo-300x200.jpg [Authorization: Bearer KEY-ACME]  200 same=photo-300x200.jpg X-Id=acme
/bearer/photo-300x200.jpg [Authorization: bearer KEY-ACME]  200 same=photo-300x200.jpg X-Id=acme
/bearer/photo-300x200.jpg [Authorization: Basic KEY-ACME]   401 X-Status=missing WWW-Authenticate~^Bearer.realm=
/bearer/photo-300x200.jpg?key=KEY-ACME                  401 X-Status=missing


=== TEST 2: who is not let in
--- config
    add_header X-Id $access_key_id always;
    add_header X-Status $access_key_status always;
    location /o/ {
        access_key zone=p from=header:X-Api-Key|arg:key|uri:2;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/o/photo-300x200.jpg?key=KEY-ACM                        401 !X-Id X-Status=invalid line=info:unknown:key
/o/photo-300x200.jpg?key=key-acme                       401 X-Status=invalid
/o/photo-300x200.jpg?key=KEY-ACMEE                      401 X-Status=invalid
/o/photo-300x200.jpg?key=KEY-GONE                       401 !X-Id X-Status=disabled line=info:disabled
/o/photo-300x200.jpg?key=KEY-OLD                        401 !X-Id X-Status=expired line=info:expired
/o/photo-300x200.jpg?key=KEY-LATER                      200 X-Id=later
/o/photo-300x200.jpg?key=KEY-NARROW                     403 X-Id=narrow X-Status=forbidden line=info:narrow
/o/in/photo-300x200.jpg?key=KEY-NARROW                  404 X-Status=valid
/o/KEY-NARROW/too/photo-300x200.jpg                     404 X-Status=valid
/o/KEY-NARROW/tool/photo-300x200.jpg                    403 X-Status=forbidden
# Two sources with different keys, or one twice.
/o/photo-300x200.jpg?key=KEY-ACME&key=KEY-ACME          400 X-Status=ambiguous line=info:more:than:one
/o/photo-300x200.jpg?key=KEY-ACME [X-Api-Key: KEY-BETA-1]  400 X-Status=ambiguous
/o/photo-300x200.jpg [X-Api-Key: KEY-ACME] [X-Api-Key: KEY-ACME]  400 X-Status=ambiguous
/o/KEY-ACME/photo-300x200.jpg?key=KEY-BETA-1            400 X-Status=ambiguous
/o/photo-300x200.jpg?key=KEY-ACME [X-Api-Key: KEY-ACME]    200 X-Id=acme
/o/KEY-ACME/photo-300x200.jpg?key=KEY-ACME              200 same=photo-300x200.jpg X-Id=acme


=== TEST 3: access_key_errors, each of them and inherited; access_key off
--- config
    access_key zone=p from=arg:key;
    access_key_errors missing=404 invalid=410 disabled=402 forbidden=418 quota=503;
    access_key_quota requests=1 per=month;
    location /o/ { alias $TEST_NGINX_FIXTURES/; }
    location /own/ { access_key_errors missing=400; alias $TEST_NGINX_FIXTURES/; }
    location /open/ { access_key off; alias $TEST_NGINX_FIXTURES/; }
--- rows
/o/photo-300x200.jpg                    404
/o/photo-300x200.jpg?key=x              410
/o/photo-300x200.jpg?key=KEY-GONE       402
/o/photo-300x200.jpg?key=KEY-OLD        402
/o/photo-300x200.jpg?key=KEY-NARROW     418
/o/photo-300x200.jpg?key=KEY-ACME       200
/o/photo-300x200.jpg?key=KEY-ACME       503 Retry-After~^\d+$ line=warn:acme:quota
/own/photo-300x200.jpg                  400
/own/photo-300x200.jpg?key=x            401
/own/photo-300x200.jpg?key=KEY-ACME     429
/open/photo-300x200.jpg                 200 same=photo-300x200.jpg


=== TEST 4: the redirect: originals byte for byte, HEAD, ranges, methods, and no way around
--- http_config
    sendfile on;
--- config
    add_header X-Id $access_key_id always;
    location /o/ {
        access_key zone=p from=header:X-Api-Key|arg:key|uri:2;
        access_key_redirect /inside$access_key_uri;
    }
    location /named/ {
        access_key zone=p from=arg:key;
        access_key_redirect @back;
    }
    location /args/ {
        access_key zone=p from=arg:key;
        access_key_strip off;
        access_key_redirect /echo?$args&b=2;
    }
    location /unsafe/ {
        access_key zone=p from=arg:key;
        access_key_redirect /inside/o/$arg_f;
    }
    location /inside/o/ { internal; alias $TEST_NGINX_FIXTURES/; }
    location = /echo { internal; return 200 "$args|$is_args|$access_key_id"; }
    location @back { return 200 "$uri|$args|$access_key_id"; }
--- rows
/o/photo-300x200.jpg                                        401
/o/photo-300x200.jpg?key=KEY-ACME                           200 same=photo-300x200.jpg Content-Type=image/jpeg X-Id=acme keepalive
/o/KEY-ACME/photo-300x200.jpg                               200 same=photo-300x200.jpg Content-Type=image/jpeg
/o/photo-300x200.jpg [X-Api-Key: KEY-BETA-2]                200 same=photo-300x200.jpg X-Id=beta
HEAD /o/KEY-ACME/photo-300x200.jpg                          200 empty Content-Type=image/jpeg Content-Length~^\d{4,}$
/o/KEY-ACME/text.txt [Range: bytes=0-3]                     206 body=This Content-Type=text/plain
/o/KEY-ACME/text.txt                                        200 etag=strong Last-Modified~GMT
/o/KEY-ACME/text.txt [If-None-Match: $etag]                 304 empty
/o/KEY-ACME/nothing.jpg                                     404 X-Id=acme
POST /o/KEY-ACME/photo-300x200.jpg                          405
/inside/o/photo-300x200.jpg                                 404
/inside/o/photo-300x200.jpg?key=KEY-ACME                    404
/inside/o/photo-300x200.jpg [X-Api-Key: KEY-ACME]           404
/o/KEY-ACME/..%2finside/o/photo-300x200.jpg                 401|404
/named/a?b=c&key=KEY-ACME                                   200 body=/named/a|b=c|acme
/args/x?a=1&key=KEY-ACME                                    200 body=a=1&b=2|?|acme
/unsafe/x?key=KEY-ACME&f=photo-300x200.jpg                  200 same=photo-300x200.jpg
/unsafe/x?key=KEY-ACME&f=../o/photo-300x200.jpg             404 line=error:not:safe


=== TEST 5: strip: what the key came in is gone for what follows
--- config
    location /o/ {
        access_key zone=p from=arg:key|header:X-Api-Key|cookie:k|uri:2;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /kept/ {
        access_key zone=p from=arg:key|header:X-Api-Key|cookie:k;
        access_key_strip off;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /var/ {
        access_key zone=p from=arg:key;
        try_files /none @echo;
    }
    location @echo { return 200 "$request_uri|$uri|$args|$arg_key"; }
    location /rewritten/ {
        access_key zone=p from=uri:2;
        rewrite ^/rewritten/(.*)$ /var2/$1 last;
    }
    location /var2/ { return 200 "$uri|$access_key_id"; }
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$request_uri|$http_x_api_key|$http_cookie"; }
    }
--- rows
/o/a?x=1&key=KEY-ACME&y                                     200 body=/o/a?x=1&y||
/o/a?key=KEY-ACME                                           200 body=/o/a||
/o/a%20b?x [X-Api-Key: KEY-ACME]                            200 body=/o/a%2520b?x||
/o/a [Cookie: a=1; k=KEY-ACME; b=2]                         200 body=/o/a||a=1;%20b=2
/o/a [Cookie: k=KEY-ACME]                                   200 body=/o/a||
/o/KEY-ACME/a%20b?x                                         200 body=/o/a%2520b?x||
/kept/a?key=KEY-ACME                                        200 body=/kept/a?key=***||
/kept/a [X-Api-Key: KEY-ACME]                               200 body=/kept/a|***|
/var/a?key=KEY-ACME&b                                       200 body=/var/a?b|/var/a|b|
/rewritten/KEY-ACME/x                                       200 body=/var2/x|acme


=== TEST 6: strip off and mask off pass the key on
--- config
    access_key_mask off;
    location /kept/ {
        access_key zone=p from=arg:key|header:X-Api-Key|uri:2;
        access_key_strip off;
        try_files /none @echo;
    }
    location @echo {
        return 200 "$request_uri|$uri|$arg_key|$http_x_api_key|$access_key_uri|$access_key_id";
    }
--- rows
/kept/a?key=KEY-ACME                    200 body=/kept/a?key=KEY-ACME|/kept/a|KEY-ACME||/kept/a|acme
/kept/a [X-Api-Key: KEY-ACME]           200 body=/kept/a|/kept/a||KEY-ACME|/kept/a|acme
/kept/KEY-ACME/a                        200 body=/kept/KEY-ACME/a|/kept/KEY-ACME/a|||/kept/a|acme


=== TEST 7: satisfy any, other access modules, error pages, limit_req by partner
--- http_config
    limit_req_zone $access_key_id zone=each:64k rate=1r/m;
--- config
    add_header X-Status $access_key_status always;
    location /any/ {
        satisfy any;
        access_key zone=p from=arg:key;
        allow 127.0.0.1;
        deny all;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /anyone/ {
        satisfy any;
        access_key zone=p from=header:Authorization;
        allow 127.0.0.1;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /either/ {
        satisfy any;
        access_key zone=p from=arg:key;
        deny all;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /both/ {
        access_key zone=p from=arg:key;
        deny all;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /page/ {
        access_key zone=p from=arg:key;
        error_page 401 404 = @page;
        alias $TEST_NGINX_FIXTURES/;
    }
    location @page { return 200 "$access_key_status $access_key_id"; }
    location /rate/ {
        access_key zone=p from=arg:key;
        limit_req zone=each;
        limit_req_status 420;
        try_files /none =204;
    }
--- rows
/any/text.txt                           200 X-Status=missing
/any/text.txt?key=KEY-ACME              200 X-Status=valid
/anyone/text.txt                        200 !WWW-Authenticate
/either/text.txt                        401
/either/text.txt?key=KEY-ACME           200 X-Status=valid
/both/text.txt?key=KEY-ACME             403
/page/text.txt                          200 body=missing%20
/page/nothing?key=KEY-ACME              200 body=valid%20acme
/rate/x?key=KEY-ACME                    204
/rate/x?key=KEY-ACME                    420 X-Status=valid
/rate/x?key=KEY-BETA-1                  204
/rate/x                                 401
/rate/x                                 401


=== TEST 8: policy, for other directives
--- http_config
    map $access_key_policy $size {
        ~preset=[^\ ]*\bhd\b  1920;
        default               300;
    }
--- config
    location /o/ {
        access_key zone=p from=arg:key;
        access_key_redirect /inside$access_key_uri;
    }
    location /inside/ { internal; return 200 "$access_key_policy|$access_key_preset|$access_key_watermark|$size"; }
--- rows
/o/a?key=KEY-BETA-1     200 body=preset=thumb,hd%20watermark=off|thumb,hd|off|1920
/o/in/a?key=KEY-NARROW  200 body=watermark=on||on|300
/o/a?key=KEY-ACME       200 body=|||300


=== TEST 9: a target that anyone can ask for
--- config
    location /o/ { access_key zone=p from=arg:key; access_key_redirect /inside$access_key_uri; }
    location /p/ { access_key zone=p from=arg:key; access_key_redirect /shut$access_key_uri; }
    location /inside/ { return 204; }
    location /shut/ { internal; return 204; }
--- error_log
"/inside" leads to location "/inside/", which is not internal
--- no_error_log
"/shut" leads to
[alert]


=== TEST 10: a subrequest is not counted; its page is
--- config
    location /page/ {
        access_key zone=p from=arg:key;
        auth_request /ask;
        try_files /none @rest;
    }
    location @rest { return 200 "$access_key_remaining"; }
    access_key_quota requests=10 per=month;
    location = /ask { internal; access_key zone=p from=arg:key; return 204; }
--- rows
/page/x                 401
/page/x?key=KEY-ACME    200 body=9
/page/x?key=KEY-ACME    200 body=8


=== TEST 11: two zones: each checks and counts the request, whatever became of the key meanwhile
--- http_config
    access_key_zone other 256k;
    access_key_file other $TEST_NGINX_HTML_DIR/keys;
--- config
    location /a/ {
        access_key zone=p from=arg:key|uri:2;
        access_key_quota requests=3 per=month;
        access_key_redirect /b$access_key_uri;
    }
    location /b/a/ {
        internal;
        access_key zone=other from=header:X-Api-Key|arg:key;
        access_key_quota requests=1 per=month;
        alias $TEST_NGINX_FIXTURES/;
    }
--- rows
/a/text.txt?key=KEY-ACME                            200 same=text.txt
/a/text.txt?key=KEY-ACME                            429
/a/text.txt?key=KEY-BETA-1                          200 same=text.txt
# The second zone takes no key from the path.
/a/KEY-ACME/text.txt                                401
/a/KEY-ACME/text.txt                                429
/a/text.txt?key=KEY-ACME [X-Api-Key: KEY-BETA-2]    429


=== TEST 12: a server's own, and locations below locations
--- config
    access_key zone=p from=arg:key;
    location /o/ {
        alias $TEST_NGINX_FIXTURES/;
        location /o/in/ {
            access_key zone=p from=header:X-Api-Key;
            alias $TEST_NGINX_FIXTURES/;
            location /o/in/open/ { access_key off; alias $TEST_NGINX_FIXTURES/; }
        }
    }
--- rows
/o/text.txt                                 401
/o/text.txt?key=KEY-ACME                    200 same=text.txt
/o/in/text.txt?key=KEY-ACME                 401
/o/in/text.txt [X-Api-Key: KEY-ACME]        200 same=text.txt
/o/in/open/text.txt                         200 same=text.txt
/elsewhere                                  401


=== TEST 13: preflight requests of browsers come without a key
--- config
    add_header Access-Control-Allow-Origin https://partner.example always;
    location /o/ {
        access_key zone=p from=header:X-Api-Key|arg:key;
        access_key_quota requests=2 per=month;
        access_key_redirect /b$access_key_uri;
    }
    location /b/o/ { internal; access_key off; alias $TEST_NGINX_FIXTURES/; }
    location /p/ {
        access_key zone=p from=header:X-Api-Key|arg:key;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /any/ {
        satisfy any;
        deny all;
        access_key zone=p from=header:X-Api-Key;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$request_method"; }
    }
--- rows
OPTIONS /o/text.txt [Origin: https://partner.example] [Access-Control-Request-Method: GET]                 204 empty Access-Control-Allow-Origin=https://partner.example
OPTIONS /o/text.txt?key=KEY-ACME [Origin: https://partner.example] [Access-Control-Request-Method: GET]    204 empty
OPTIONS /o/text.txt?key=nobody [Origin: https://partner.example] [Access-Control-Request-Method: GET]      401
OPTIONS /p/x [Origin: https://partner.example] [Access-Control-Request-Method: GET]                        204 empty
OPTIONS /p/x?key=KEY-ACME [Origin: https://partner.example] [Access-Control-Request-Method: GET]           200 body=OPTIONS
OPTIONS /any/x [Origin: https://partner.example] [Access-Control-Request-Method: GET]                      204 empty
OPTIONS /p/x                                                                                               401
OPTIONS /p/x [Origin: https://partner.example]                                                             401
OPTIONS /p/x [Access-Control-Request-Method: GET]                                                          401
/p/x [Origin: https://partner.example] [Access-Control-Request-Method: GET]                                401
# One went on as any other; no preflight uses up a quota.
/o/text.txt?key=KEY-ACME                                                                                   200 same=text.txt
/o/text.txt?key=KEY-ACME                                                                                   429


=== TEST 14: subrequests are asked for a key as the client's request is, once
--- config
    access_key_quota requests=2 per=month;
    access_key_errors quota=403;
    location /api/ { auth_request /check; alias $TEST_NGINX_FIXTURES/; add_header X-Used $access_key_remaining; }
    location = /check { internal; access_key zone=p from=header:X-K|arg:key|cookie:k|uri:2; empty_gif; }
    location /answered/ { auth_request /answering; alias $TEST_NGINX_FIXTURES/; }
    location = /answering { internal; access_key zone=p from=arg:key; return 204; }
    location /paged/ { auth_request /pages; alias $TEST_NGINX_FIXTURES/; }
    location = /pages { internal; access_key zone=p from=arg:key; error_page 401 403 = /login; empty_gif; }
    location = /login { return 200 "login"; }
    location /any/ { satisfy any; deny all; auth_request /check; alias $TEST_NGINX_FIXTURES/; }
    location /o/ { auth_request /check; alias $TEST_NGINX_FIXTURES/; }
    location /open/ { access_key off; auth_request /asks; alias $TEST_NGINX_FIXTURES/; }
    location = /asks { internal; access_key off; empty_gif; }
--- rows
/api/text.txt                                 401 !WWW-Authenticate
/api/text.txt [X-K: NOBODY]                   401
/api/text.txt [X-K: KEY-OLD]                  401
/api/text.txt [X-K: KEY-ACME]                 200 same=text.txt X-Used=1
/api/text.txt?key=KEY-ACME                    200 same=text.txt X-Used=0
/api/text.txt [Cookie: k=KEY-ACME]            403
/api/text.txt [Cookie: k=KEY-LATER]           200 same=text.txt
/api/text.txt [X-K: KEY-ODD; X-K: KEY-ODD]    401
OPTIONS /api/text.txt [Origin: http://x] [Access-Control-Request-Method: GET]    401
# The paths of a partner are those of the client's request.
/api/text.txt?key=KEY-NARROW                  403
/o/in/text.txt?key=KEY-NARROW                 404
/answered/text.txt                            401
/answered/text.txt?key=KEY-BETA-1             200 same=text.txt
/paged/text.txt                               401
/paged/text.txt?key=KEY-GONE                  401
/any/text.txt                                 401
/any/text.txt?key=KEY-BETA-1                  200 same=text.txt
/open/text.txt                                200 same=text.txt


=== TEST 15: parts of pages, and who was let in without a key
--- config
    ssi on;
    ssi_types *;
    location /page/ { alias $TEST_NGINX_HTML_DIR/; }
    location /guarded/ { access_key zone=p from=arg:key; alias $TEST_NGINX_HTML_DIR/; }
    location /lan/ { satisfy any; allow 127.0.0.1; access_key zone=p from=arg:key; alias $TEST_NGINX_HTML_DIR/; }
    location /other/ { access_key zone=p from=header:X-Other; alias $TEST_NGINX_HTML_DIR/; }
    location /part/ { internal; access_key zone=p from=arg:key; alias $TEST_NGINX_HTML_DIR/; }
--- user_files eval
[[ 'x.html' => '[<!--#include virtual="/part/f.txt" -->]' ], [ 'f.txt' => 'secret' ]]
--- rows
/page/x.html?key=KEY-ACME             200 body=[secret]
/page/x.html                          200 changed line=info:no:key
/guarded/x.html                       401
/guarded/x.html?key=KEY-ACME          200 body=[secret]
/lan/x.html                           200 body=[secret]
/other/x.html [X-Other: KEY-ACME]     200 body=[secret]


=== TEST 16: the key of the page that a picture stands in does not go on
--- config
    location /o/ {
        access_key zone=p from=arg:key|cookie:k|uri:2;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /kept/ {
        access_key zone=p from=arg:key;
        access_key_strip off;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /open/ { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock; }
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$http_referer"; }
    }
--- rows
/o/a?key=KEY-ACME [Referer: http://h/p?a=1&key=KEY-ACME&b]          200 body=http://h/p?a=1&key=***&b
/o/a?key=KEY-ACME [Referer: http://h/p?KEY=KEY%2DBETA-1]            200 body=http://h/p?KEY=***
/o/a [Cookie: k=KEY-ACME] [Referer: http://h/p?key=KEY-ACME]        200 body=http://h/p?key=***
/o/KEY-ACME/a [Referer: http://h/o/KEY-ACME/p?a]                    200 body=http://h/o/***/p?a
/o/a?key=KEY-ACME [Referer: http://h/p?key=article&a=KEY-ACM]       200 body=http://h/p?key=article&a=KEY-ACM
/o/a [Cookie: k=KEY-ACME] [Referer: http://h/o/KEY-ACME/p.html]     200 body=http://h/o/***/p.html
/o/a [Cookie: k=KEY-ACME] [Referer: http://h/o/KEY%2DBETA-1%2fp]    200 body=http://h/o/***
/o/KEY-ACME/a [Referer: http://h/o/KEY-ACME%2fp.html?x#KEY-ACME]    200 body=http://h/o/***?x#***
/o/a [Cookie: k=KEY-ACME] [Referer: http://h/p?token=KEY-BETA-1&k=b]  200 body=http://h/p?token=***&k=b
/kept/a?key=KEY-ACME [Referer: http://h/p?key=KEY-ACME]             200 body=http://h/p?key=***
/open/a [Referer: http://h/p?key=article]                           200 body=http://h/p?key=article


=== TEST 17: nginx's own redirects keep the key of the client
--- config
    absolute_redirect off;
    location /arg/ { access_key zone=p from=arg:k; alias $TEST_NGINX_HTML_DIR/; }
    location /kept/ { access_key zone=p from=arg:k|uri:2; access_key_strip off; alias $TEST_NGINX_HTML_DIR/; }
    location /segment/ { access_key zone=p from=uri:2; alias $TEST_NGINX_HTML_DIR/; }
    location /cookie/ { access_key zone=p from=cookie:k; alias $TEST_NGINX_HTML_DIR/; }
    location /passed/ {
        access_key zone=p from=arg:k;
        access_key_strip off;
        rewrite ^/passed/(.*)$ /arg/$1 redirect;
    }
    location /off/ {
        access_key zone=p from=arg:k;
        access_key_strip off;
        rewrite ^/off/(.*)$ http://other.test/$1 redirect;
    }
    location /login/ { access_key zone=p from=arg:k; return 302 /login; }
--- user_files eval
[[ 'dir ectory/index.html' => 'index' ]]
--- rows
/arg/dir%20ectory?k=KEY-ACME              301 Location=/arg/dir%2520ectory/?k=KEY-ACME
/arg/dir%20ectory?a=1&k=k/e%2By%26%3D%25  301 Location=/arg/dir%2520ectory/?a=1&k=k%252Fe%252By%2526%253D%2525
/arg/dir%20ectory/?k=KEY-ACME             200 body=index
/kept/dir%20ectory?a=1&k=KEY-ACME         301 Location=/kept/dir%2520ectory/?a=1&k=KEY-ACME
/segment/KEY-ACME/dir%20ectory            301 Location=/segment/KEY-ACME/dir%2520ectory/
/segment/KEY-ACME/dir%20ectory/           200 body=index
/cookie/dir%20ectory [Cookie: k=KEY-ACME] 301 Location=/cookie/dir%2520ectory/
/passed/x?k=KEY-ACME&b                    302 Location=/arg/x?b&k=KEY-ACME
/off/x?k=KEY-ACME                         302 Location=http://other.test/x?k=***
/login/x?k=KEY-ACME                       302 Location=/login


=== TEST 18: without the key, all that others see of a path is one path
--- config
    # What nginx keeps of variables that are asked for before.
    set $seen "$request_uri$http_cookie$http_referer$request";
    rewrite ^/was/(.*)$ /o/$1;
    add_header X-Uri $access_key_uri;
    proxy_set_header X-Line $request;
    location /o/ {
        access_key zone=p from=uri:2|cookie:k;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:$request_uri;
    }
    location /two/ {
        access_key zone=p from=uri:2|uri:3;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:$request_uri;
    }
    location /uri/ {
        access_key zone=p from=uri:3|uri:2;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /kept/ {
        access_key zone=p from=uri:2;
        access_key_strip off;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:$request_uri;
    }
    location /led/ {
        access_key zone=p from=uri:2;
        access_key_redirect /inside$access_key_uri;
    }
    location /inside/ {
        internal;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:$request_uri;
    }
    location /any/ {
        satisfy any;
        allow 127.0.0.1;
        access_key zone=p from=uri:2;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:$request_uri;
    }
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        set $key "";
        if ($http_x_line ~ KEY-) { set $key " $http_x_line"; }
        location / { return 200 "$request_uri $uri $http_cookie$key"; }
    }
--- rows
# As the client wrote it, where that is the same path.
/o/KEY-ACME/a%20b,c?x=%2f               200 body=/o/a%2520b,c?x=%252f%20/o/a%20b,c%20 X-Uri=/o/a%20b,c
/%6f/KEY%2DACME/a%2fb/                  200 body=/%256f/a%252fb/%20/o/a/b/%20 X-Uri=/o/a/b/
/o/a [Cookie: k=KEY-ACME; b=2]          200 body=/o/a%20/o/a%20b=2 X-Uri=/o/a
/o//./KEY-ACME/a [Cookie: k=KEY-ACME]   200 body=/o/a%20/o/a%20 X-Uri=/o/a
# No dots climb over what was taken out.
/o/KEY-NARROW/a                                             403
/o/KEY-NARROW/in/KEY-NARROW/../a?x                          200 body=/o/in/a?x%20/o/in/a%20 X-Uri=/o/in/a
/o/KEY-NARROW/in/KEY-NARROW/KEY-NARROW/../../priv/s.txt     200 body=/o/in/priv/s.txt%20/o/in/priv/s.txt%20 X-Uri=/o/in/priv/s.txt
/o/KEY-NARROW/in/KEY-NARROW%2f..%2fa                        200 body=/o/in/a%20/o/in/a%20 X-Uri=/o/in/a
/o/x/../KEY-ACME/%2e/a%3fb%25                               200 body=/o/a%253Fb%2525%20/o/a?b%%20 X-Uri=/o/a?b%
/led/KEY-ACME/sub/KEY-ACME/KEY-ACME/../../../x              200 body=/led/x%20/led/x%20
/kept/KEY-ACME/sub/KEY-ACME/../x                            200 body=/kept/***/sub/x%20/kept/***/sub/x%20 X-Uri=/kept/sub/x
# No slash keeps a key, nor does another place in the path.
/o/KEY-ACME%2fa                         200 body=/o/a%20/o/a%20 X-Uri=/o/a
/o/KEY-ACME/KEY-ACME/a                  200 body=/o/***/a%20/o/***/a%20 X-Uri=/o/***/a
/o/KEY-ACME/a%2fKEY-ACME/b              200 body=/o/a/***/b%20/o/a/***/b%20 X-Uri=/o/a/***/b
/kept/KEY-ACME%2fKEY-ACME/a             200 body=/kept/***/***/a%20/kept/***/***/a%20 X-Uri=/kept/***/a
# Of two sources both.
/two/KEY-ACME/KEY-ACME/s/x              200 body=/two/s/x%20/two/s/x%20 X-Uri=/two/s/x
/uri/KEY-ACME/KEY-ACME/s/x              200 body=/uri/s/x%20/uri/s/x%20 X-Uri=/uri/s/x
/two/sub/KEY-ACME/s/x                   400
# Rules of the server.
/was/KEY-ACME/a?b                       200 body=/o/a?b%20/o/a%20 X-Uri=/o/a
# Nobody's key is a name, but in its place.
/any/sub/sub/../x                       200 body=/any/x%20/any/x%20 X-Uri=/any/x
/any/sub/sub/x                          200 body=/any/sub/x%20/any/sub/x%20 X-Uri=/any/sub/x


=== TEST 19: what came with a key that no address shows is for nobody else
--- http_config
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/front_cache keys_zone=front:1m;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/behind_cache keys_zone=behind:1m;
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location /kept/none/ { expires -1; return 200 "seen"; }
        location / { expires 1h; return 200 "seen"; }
    }
    server {
        listen unix:$TEST_NGINX_HTML_DIR/gate.sock;
        access_key_errors missing=404;
        location /o/ { access_key zone=p from=header:X-Api-Key|cookie:k|arg:key|uri:2; expires 1h; alias $TEST_NGINX_FIXTURES/; }
        location /public/ {
            access_key zone=p from=header:X-Api-Key;
            add_header Cache-Control "max-age=60, Public";
            alias $TEST_NGINX_FIXTURES/;
        }
    }
--- config
    access_key zone=p from=header:X-Api-Key|cookie:k|arg:key|uri:2;
    location /o/ { alias $TEST_NGINX_FIXTURES/; }
    location /expires/ { expires 1h; alias $TEST_NGINX_FIXTURES/; }
    location /shared/ { add_header Cache-Control "s-maxage = 60"; alias $TEST_NGINX_FIXTURES/; }
    location /never/ { add_header Cache-Control no-store; alias $TEST_NGINX_FIXTURES/; }
    location /bearer/ { access_key zone=p from=header:Authorization; alias $TEST_NGINX_FIXTURES/; }
    location /led/ { access_key_redirect /inside$access_key_uri; }
    location /inside/led/ { internal; access_key off; alias $TEST_NGINX_FIXTURES/; }
    location /any/ { satisfy any; allow 127.0.0.1; alias $TEST_NGINX_FIXTURES/; }
    location /open/ { access_key off; alias $TEST_NGINX_FIXTURES/; }
    location /part/ { add_header Cache-Control 'private="Set-Cookie", max-age=60'; alias $TEST_NGINX_FIXTURES/; }
    location /preview/ { error_page 401 = @preview; alias $TEST_NGINX_FIXTURES/; }
    location @preview { access_key off; expires 1h; root $TEST_NGINX_FIXTURES; try_files /text.txt =404; }
    location /login/ { error_page 401 http://other.test/; alias $TEST_NGINX_FIXTURES/; }
    location /instead/ { error_page 401 =200 /open/text.txt; alias $TEST_NGINX_FIXTURES/; }
    location /asked/ { access_key off; auth_request /ask; expires 1h; alias $TEST_NGINX_FIXTURES/; }
    location = /ask { internal; access_key zone=p from=header:X-Api-Key; try_files /none =204; }
    location /kept/ {
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
        proxy_cache behind;
        add_header X-Cache $upstream_cache_status;
    }
    location /front/ {
        access_key off;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/gate.sock:/;
        proxy_cache front;
        proxy_cache_valid 404 1h;
        add_header X-Cache $upstream_cache_status always;
    }
--- rows
/o/text.txt [X-Api-Key: KEY-ACME]           200 same=text.txt Cache-Control=private
/o/text.txt [Cookie: k=KEY-ACME]            200 same=text.txt Cache-Control=private
HEAD /o/text.txt [Cookie: k=KEY-ACME]       200 empty Cache-Control=private
/o/nothing [Cookie: k=KEY-ACME]             404 Cache-Control=private
/o/text.txt [Cookie: k=NOBODYS]             401 Cache-Control=private
/o/text.txt                                 401 Cache-Control=private
# Caches tell addresses apart.
/o/text.txt?key=KEY-ACME                    200 same=text.txt !Cache-Control
/o/text.txt?key=KEY-ACME [X-Api-Key: KEY-ACME]  200 same=text.txt !Cache-Control
/o/KEY-ACME/text.txt                        200 same=text.txt !Cache-Control
/expires/text.txt?key=KEY-ACME              200 Cache-Control=max-age=3600
/expires/text.txt [X-Api-Key: KEY-ACME]     200 Cache-Control=max-age=3600,%20private
/bearer/text.txt [Authorization: Bearer KEY-ACME]   200 Cache-Control=private
/led/text.txt [X-Api-Key: KEY-ACME]         200 same=text.txt Cache-Control=private
# Who says so himself.
/shared/text.txt [X-Api-Key: KEY-ACME]      200 Cache-Control=s-maxage%20=%2060
/never/text.txt [X-Api-Key: KEY-ACME]       200 Cache-Control=no-store
/part/text.txt [X-Api-Key: KEY-ACME]        200 Cache-Control=private="Set-Cookie",%20max-age=60,%20private
# What is shown to others in its place.
/preview/text.txt                           200 same=text.txt Cache-Control=max-age=3600,%20private
/login/text.txt                             302 Location=http://other.test/ Cache-Control=private
/preview/text.txt?key=NOBODYS               200 same=text.txt Cache-Control=max-age=3600
/instead/text.txt                           200 same=text.txt Cache-Control=private
# Who is asked beside.
/asked/text.txt [X-Api-Key: KEY-ACME]       200 same=text.txt Cache-Control=max-age=3600,%20private
/asked/text.txt                             401 Cache-Control=private
# Without a key, another rule lets in.
/any/text.txt                               200 same=text.txt !Cache-Control
/any/text.txt [X-Api-Key: KEY-ACME]         200 same=text.txt Cache-Control=private
/open/text.txt [X-Api-Key: KEY-ACME]        200 same=text.txt !Cache-Control
# nginx's cache behind the key is for all who have one.
/kept/x [X-Api-Key: KEY-ACME]               200 body=seen X-Cache=MISS Cache-Control=max-age=3600,%20private
/kept/x [X-Api-Key: KEY-BETA-1]             200 body=seen X-Cache=HIT Cache-Control=max-age=3600,%20private
/kept/x?key=KEY-BETA-1                      200 body=seen X-Cache=HIT Cache-Control=max-age=3600
/kept/x                                     401
# One in front has nothing for others.
/front/o/text.txt                           404 X-Cache=MISS
/front/o/text.txt [X-Api-Key: KEY-ACME]     200 same=text.txt X-Cache=MISS
/front/o/text.txt [X-Api-Key: KEY-ACME]     200 same=text.txt X-Cache=MISS
/front/o/text.txt                           404 X-Cache=MISS
/front/o/text.txt?key=KEY-ACME              200 same=text.txt X-Cache=MISS
/front/o/text.txt?key=KEY-ACME              200 same=text.txt X-Cache=HIT
/front/public/text.txt [X-Api-Key: KEY-ACME]    200 same=text.txt X-Cache=MISS
/front/public/text.txt                      200 same=text.txt X-Cache=HIT


=== TEST 20: requests are counted and limited by the key, and nobody knows it then
--- http_config
    limit_req_zone $http_x_api_key zone=by_header:64k rate=1r/m;
    limit_req_zone $arg_key zone=by_argument:64k rate=1r/m;
    limit_req_zone $by_cookie zone=by_cookie:64k rate=1r/m;
    map $cookie_k $by_cookie { "" ""; default $cookie_k; }
    limit_req_status 420;
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$http_x_key|$request_uri|$http_x_api_key|$http_cookie"; }
    }
--- config
    set $seen "$http_x_api_key$arg_key$cookie_k";
    proxy_set_header X-Key $http_x_api_key$arg_key$cookie_k;
    location /header/ {
        access_key zone=p from=header:X-Api-Key;
        limit_req zone=by_header;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /argument/ {
        access_key zone=p from=arg:key;
        limit_req zone=by_argument;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /cookie/ {
        access_key zone=p from=cookie:k;
        limit_req zone=by_cookie;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /kept/ {
        access_key zone=p from=header:X-Api-Key|arg:key;
        access_key_strip off;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /page/ {
        access_key zone=p from=header:X-Api-Key;
        limit_req zone=by_header;
        error_page 420 = /seen;
    }
    location /seen { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock; }
--- rows
/header/a [X-Api-Key: KEY-ACME]         200 body=|/header/a||
/header/a [X-Api-Key: KEY-ACME]         420
/header/a [X-Api-Key: KEY-BETA-1]       200 body=|/header/a||
/argument/a?key=KEY-ACME&b              200 body=|/argument/a?b||
/argument/a?key=KEY-ACME&b              420
/argument/a?key=KEY-BETA-1              200 body=|/argument/a||
/cookie/a [Cookie: k=KEY-ACME]          200 body=|/cookie/a||
/cookie/a [Cookie: k=KEY-ACME]          420
/cookie/a [Cookie: k=KEY-BETA-1]        200 body=|/cookie/a||
/kept/a?key=KEY-ACME                    200 body=***|/kept/a?key=***||
/kept/a [X-Api-Key: KEY-ACME]           200 body=***|/kept/a|***|
/page/a [X-Api-Key: KEY-BETA-1]         200 body=|/seen||


=== TEST 21: no policy on error pages
--- config
    access_key zone=p from=arg:key;
    add_header X-Watermark $access_key_watermark always;
    add_header X-Policy $access_key_policy always;
    add_header X-Preset $access_key_preset always;
    error_page 403 = /small$uri;
    location /o/ { alias $TEST_NGINX_FIXTURES/; }
    location /much/ {
        access_key_quota requests=1 per=day;
        error_page 429 = /small$uri;
        alias $TEST_NGINX_FIXTURES/;
    }
    location /small/ { access_key off; return 200 "$access_key_status [$access_key_watermark]"; }
--- rows
/o/in/text.txt?key=KEY-NARROW      404 X-Watermark=on X-Policy=watermark=on
/o/text.txt?key=KEY-NARROW         200 body=forbidden%20[] !X-Watermark !X-Policy
/much/text.txt?key=KEY-BETA-1      200 same=text.txt X-Watermark=off X-Preset=thumb,hd
/much/text.txt?key=KEY-BETA-1      200 body=quota%20[] !X-Watermark !X-Policy !X-Preset


=== TEST 22: where COPY and MOVE write to
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$http_destination|$request_uri"; }
    }
--- config
    location /k/ {
        access_key zone=p from=uri:2|arg:key;
        dav_methods COPY;
        root $TEST_NGINX_HTML_DIR;
    }
    location /up/ {
        access_key zone=p from=uri:2|arg:key|header:X-Api-Key;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock;
    }
    location /o/ {
        access_key zone=p from=header:X-Api-Key;
        dav_methods COPY MOVE;
        root $TEST_NGINX_HTML_DIR;
    }
--- user_files eval
[[ 'k/a' => 'text' ], [ 'o/in/a' => 'text' ], [ 'o/too/a' => 'other' ]]
--- rows
COPY /o/in/a [X-Api-Key: KEY-NARROW] [Destination: /o/in/b]                     204
COPY /o/in/a [X-Api-Key: KEY-NARROW] [Destination: http://localhost/o/too/b]    204
COPY /o/in/a [X-Api-Key: KEY-NARROW] [Destination: /o/b]                        403 line=info:not:for:this:request
COPY /o/in/a [X-Api-Key: KEY-NARROW] [Destination: http://localhost/o/b]        403
MOVE /o/in/a [X-Api-Key: KEY-NARROW] [Destination: /o/in/%2e%2e/b]              403
COPY /o/in/a [X-Api-Key: KEY-ACME] [Destination: /o/b]                          204
/o/in/b [X-Api-Key: KEY-NARROW]                                                 200 body=text
/o/too/b [X-Api-Key: KEY-NARROW]                                                200 body=text
/o/b [X-Api-Key: KEY-ACME]                                                      200 body=text
# Who writes addresses with the key in them.
COPY /k/KEY-ACME/a [Destination: http://localhost/k/KEY-ACME/b%20c]             204
COPY /k/KEY-ACME/b%20c?key=KEY-ACME [Destination: /k/d?key=KEY-ACME]            204
/k/KEY-ACME/d                                                                   200 body=text
/up/a [X-Api-Key: KEY-ACME] [Destination: http://h/up/KEY-ACME/b?key=KEY-ACME&x=1]  200 body=/up/b?x=1|/up/a
/up/a#?key=KEY-ACME [X-Api-Key: KEY-ACME] [Destination: http://h/up/c?key=k]    200 body=http://h/up/c|/up/a
/up/a [X-Api-Key: KEY-ACME] [Destination: http://h/up/c/d]                      200 body=http://h/up/c/d|/up/a


=== TEST 23: what a location is called by is nobody's key
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$request_uri"; }
    }
--- config
    access_key zone=p from=uri:1|uri:2|header:X-Api-Key;
    add_header X-File $request_filename always;
    location /images/ { alias $TEST_NGINX_FIXTURES/; }
    location /any/ { satisfy any; allow 127.0.0.1; alias $TEST_NGINX_FIXTURES/; }
    location /any { satisfy any; allow 127.0.0.1; return 200 any; }
    location = /any/one/ { satisfy any; allow 127.0.0.1; proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/up; }
    location /passed/on/ { satisfy any; allow 127.0.0.1; proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/up/; }
    location /KEY-ACME/ { access_key zone=p from=uri:2; proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/up/; }
    location /page/ { error_page 401 /page/of/nobody$uri; alias $TEST_NGINX_FIXTURES/; }
    location /page/of/nobody/ { access_key off; alias $TEST_NGINX_FIXTURES/; }
    location / { root $TEST_NGINX_FIXTURES; }
--- rows
/images/a                               401
/images/text.txt                        401
/images/text.txt [X-Api-Key: KEY-ACME]  200 same=text.txt
/images/KEY-ACME/text.txt               200 same=text.txt
/KEY-ACME/text.txt                      401
/KEY-BETA-1/text.txt                    200 same=text.txt
/any/a                                  404
/any/text.txt                           200 same=text.txt
/any/KEY-ACME/text.txt                  200 same=text.txt
/any/one/                               200 body=/up
/anyone/text.txt                        200 body=any
/passed/on/a                            200 body=/up/a
/passed/on/aaaaaaaa/b                   200 body=/up/aaaaaaaa/b
/passed/KEY-ACME/b                      400
# Where somebody's key is the name of a location, nothing of the URI is cut off in its place.
/KEY-ACME/KEY-ACME/text.txt             200 body=/***/text.txt


=== TEST 24: what a location has captured of the URI has no key either
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$request_uri"; }
    }
--- config
    access_key zone=p from=uri:2|header:X-Api-Key;
    location ~ ^/all/(.*)$ { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/up/$1; }
    location ~ ^/named/(?<path>.*)/(?<file>[^/]*)$ { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/$path|$file; }
    location ~ ^/parts/([^/]+)/(x/)?(.*)$ { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/$1|$2|$3; }
    location ~ ^/files/([^/]+/)?(.*)$ { alias $TEST_NGINX_FIXTURES/$2; }
    location ~ ^/none/ { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock; }
    location ~ ^/masked/(.*)$ { access_key_strip off; proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock:/up/$1; }
--- rows
/all/KEY-ACME/b/x                   200 body=/up/b/x
/all/b/x [X-Api-Key: KEY-ACME]      200 body=/up/b/x
/all/KEY-ACME/KEY-ACME/x            200 body=/up/***/x
/named/KEY-ACME/b/x                 200 body=/b|x
/named/b/x [X-Api-Key: KEY-ACME]    200 body=/b|x
/parts/KEY-ACME/b/x                 200 body=/||b/x
/parts/KEY-ACME/x/b                 200 body=/|x/|b
/files/KEY-ACME/text.txt            200 same=text.txt
/masked/KEY-ACME/b/x                200 body=/up/***/b/x
/none/KEY-ACME/b/x                  200 body=/none/b/x


=== TEST 25: a location that keeps the key is followed by one that does not
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/seen.sock;
        location / { return 200 "$request_uri|$http_x_api_key|$http_authorization|$http_cookie"; }
    }
--- config
    access_key zone=p from=header:X-Api-Key|header:Authorization|cookie:k|arg:key|uri:2;
    location /kept/ { access_key_strip off; root /nonexistent; try_files $uri @next; }
    location /moved/ { access_key_strip off; rewrite ^/moved/(.*)$ /next/$1 last; }
    location /next/ { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock; }
    location @next { proxy_pass http://unix:$TEST_NGINX_HTML_DIR/seen.sock; }
--- rows
/kept/x [X-Api-Key: KEY-ACME]                   200 body=/kept/x|||
/kept/x [Authorization: Bearer KEY-ACME]        200 body=/kept/x|||
/kept/x [Cookie: k=KEY-ACME; b=2]               200 body=/kept/x|||b=2
/kept/x?key=KEY-ACME&b=2                        200 body=/kept/x?b=2|||
/kept/KEY-ACME/x                                200 body=/kept/x|||
/moved/KEY-ACME/x                               200 body=/next/x|||
/moved/x?key=KEY-ACME                           200 body=/next/x|||


=== TEST 26: expressions without groups
--- config
    access_key zone=p from=uri:2;
    location ~ ^/none/ { rewrite ^/none(.*)$ $1 break; root $TEST_NGINX_FIXTURES; }
    location ~ x/$ { return 200 "$uri"; }
    add_header X-Uri $uri;
--- rows
/none/KEY-ACME/text.txt             200 same=text.txt X-Uri=/text.txt
