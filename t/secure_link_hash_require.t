# secure_link_hash_require: what is answered for which reason, beside satisfy, allow, auth_basic,
# rewrites, internal redirects and error pages; each location judges by its own rules.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value(user_files => [
        [ 'f.txt' => 'served' ], [ 'other.txt' => 'other' ], [ 'dir/index.html' => 'index' ],
        [ 'htpasswd' => 'me:{PLAIN}pass' ],
    ]) if !defined $block->user_files;
    $block->set_value(http_config => ($block->http_config || '') . q{
    secure_link_hash         $arg_t,$arg_e;
    secure_link_hash_message "$uri|$secure_link_hash_expires";
    secure_link_hash_key     id=k key;
    add_header X-Reason $secure_link_hash_reason always;
    add_header X-Link "[$secure_link_hash]" always;
});
});

# The arguments for a path; and what is wrong with them.
sub args {
    my ($path, $what) = @_;
    my $e = ($what || '') eq 'expired' ? PAST : LATER;
    my $t = mac_token("$path|$e", ($what || '') eq 'forged' ? 'kez' : 'key');
    return ($what || '') eq 'unknown' ? "t=x.$t&e=$e" : "t=$t&e=$e";
}
{ no strict 'refs'; *{'Test::Base::Filter::args'} = \&args; }

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: statuses, and one line each
--- config
    location / { root $TEST_NGINX_HTML_DIR; secure_link_hash_require on; }
    location /own/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on invalid=404 expired=401; }
    location /half/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on expired=403; }
    location /off/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require off; }
    location /off/deep/ { alias $TEST_NGINX_HTML_DIR/; }
    location /default/ { alias $TEST_NGINX_HTML_DIR/; }
    location /later/ {
        alias $TEST_NGINX_HTML_DIR/;
        secure_link_hash_not_before 4000000000;
        secure_link_hash_require on expired=418;
    }
--- rows eval
my $a = sub { my ($p, $w) = @_; return "$p?" . args($p, $w) };
CORE::join "\n",
    $a->('/f.txt') . ' 200 body=served X-Reason=ok X-Link=[1] log=none',
    'HEAD ' . $a->('/f.txt') . ' 200 empty X-Reason=ok',
    $a->('/f.txt', 'forged') . ' 403 X-Reason=mismatch X-Link=[] line=info:secure_link_hash:signs:something:else',
    $a->('/f.txt', 'expired') . ' 410 X-Reason=expired X-Link=[0] line=info:secure_link_hash:expired',
    $a->('/f.txt', 'unknown') . ' 403 X-Reason=no_key line=info:secure_link_hash:no:key',
    '/f.txt 403 X-Reason=missing X-Link=[] line=info:secure_link_hash:no:token',
    '/f.txt?t=x&e=1 403 X-Reason=malformed line=info:secure_link_hash:written',
    $a->('/missing.txt') . ' 404 X-Reason=ok',
    $a->('/own/f.txt') . ' 200 body=served',
    $a->('/own/f.txt', 'forged') . ' 404 X-Reason=mismatch',
    $a->('/own/f.txt', 'expired') . ' 401 X-Reason=expired',
    $a->('/half/f.txt', 'forged') . ' 403',
    $a->('/half/f.txt', 'expired') . ' 403 X-Reason=expired',
    $a->('/off/f.txt', 'forged') . ' 200 body=served X-Reason=mismatch',
    $a->('/off/deep/f.txt', 'forged') . ' 200 body=served X-Reason=mismatch',
    '/default/f.txt 200 body=served X-Reason=missing',
    $a->('/later/f.txt') . ' 403 X-Reason=not_yet X-Link=[]',
    $a->('/later/f.txt', 'expired') . ' 418 X-Reason=expired';


=== TEST 2: inheritance
--- http_config
    secure_link_hash_require on invalid=406;
--- config
    location / { root $TEST_NGINX_HTML_DIR; }
    location /own/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on; }
    location /off/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require off; }
--- rows
/f.txt      406
/own/f.txt  403
/off/f.txt  200 body=served


=== TEST 3: the forms of secure_link
--- config
    location / { root $TEST_NGINX_HTML_DIR; secure_link_hash_require on; secure_link_hash_md5 x; }
    location /secret/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on; secure_link_hash_secret word; }
--- rows eval
# The expression for the token is that of http.
my $t = md5_token('x');
"/f.txt?t=$t&e=@{[LATER]} 200 body=served
/f.txt?t=A$t&e=@{[LATER]} 403
/secret/f.txt 403 X-Reason=missing
/secret/@{[secret_link('f.txt', 'word')]} 404 X-Reason=ok X-Link=[f.txt]
/secret/@{[secret_link('f.txt', 'wort')]} 403 X-Reason=mismatch X-Link=[]
"


=== TEST 4: satisfy any
--- config
    root $TEST_NGINX_HTML_DIR;
    satisfy any;
    secure_link_hash_require on;
    location /alone/ { alias $TEST_NGINX_HTML_DIR/; }
    location /deny/ { alias $TEST_NGINX_HTML_DIR/; deny all; }
    location /allow/ { alias $TEST_NGINX_HTML_DIR/; allow 127.0.0.1; deny all; }
    location /elsewhere/ { alias $TEST_NGINX_HTML_DIR/; allow 192.0.2.1; deny all; }
    location /basic/ {
        alias $TEST_NGINX_HTML_DIR/;
        auth_basic here;
        auth_basic_user_file $TEST_NGINX_HTML_DIR/htpasswd;
    }
    location /all/ {
        alias $TEST_NGINX_HTML_DIR/;
        auth_basic here;
        auth_basic_user_file $TEST_NGINX_HTML_DIR/htpasswd;
        deny all;
    }
    location /404/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on invalid=404; deny all; }
    location /off/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require off; deny all; }
--- rows eval
my $a = sub { my ($p, $w) = @_; return "$p?" . args($p, $w) };
my $me = '[Authorization: Basic bWU6cGFzcw==]';
CORE::join "\n",
    $a->('/alone/f.txt') . ' 200 body=served',
    $a->('/alone/f.txt', 'forged') . ' 403',
    $a->('/alone/f.txt', 'expired') . ' 410',
    $a->('/deny/f.txt') . ' 200 body=served',
    $a->('/deny/f.txt', 'forged') . ' 403',
    $a->('/deny/f.txt', 'expired') . ' 410',
    $a->('/allow/f.txt', 'forged') . ' 200 body=served',
    $a->('/allow/f.txt', 'expired') . ' 200 body=served',
    $a->('/elsewhere/f.txt', 'expired') . ' 410',
    $a->('/basic/f.txt') . ' 200 body=served !WWW-Authenticate',
    $a->('/basic/f.txt', 'forged') . ' 401 WWW-Authenticate~Basic',
    $a->('/basic/f.txt', 'expired') . ' 401 WWW-Authenticate~Basic',
    "/basic/f.txt $me 200 body=served",
    $a->('/basic/f.txt', 'expired') . " $me 200 body=served",
    $a->('/all/f.txt') . ' 200 body=served',
    $a->('/all/f.txt', 'expired') . ' 401',
    $a->('/404/f.txt') . ' 200 body=served',
    $a->('/404/f.txt', 'forged') . ' 404',
    $a->('/404/f.txt', 'expired') . ' 410',
    $a->('/off/f.txt') . ' 403';


=== TEST 5: satisfy all
--- config
    root $TEST_NGINX_HTML_DIR;
    secure_link_hash_require on;
    location /deny/ { alias $TEST_NGINX_HTML_DIR/; deny all; }
    location /basic/ {
        alias $TEST_NGINX_HTML_DIR/;
        auth_basic here;
        auth_basic_user_file $TEST_NGINX_HTML_DIR/htpasswd;
    }
--- rows eval
my $a = sub { my ($p, $w) = @_; return "$p?" . args($p, $w) };
my $me = '[Authorization: Basic bWU6cGFzcw==]';
CORE::join "\n",
    $a->('/deny/f.txt') . ' 403 X-Reason=ok',
    $a->('/deny/f.txt', 'expired') . ' 410',
    $a->('/basic/f.txt') . ' 401',
    $a->('/basic/f.txt') . " $me 200 body=served",
    $a->('/basic/f.txt', 'expired') . " $me 410",
    $a->('/basic/f.txt', 'expired') . ' 410';


=== TEST 6: rules of the rewrite phase come before
--- config
    root $TEST_NGINX_HTML_DIR;
    secure_link_hash_require on;
    location /return/ { return 204; }
    location /break/ { rewrite ^/break(/.*)$ $1 break; }
    location /last/ { rewrite ^/last(/.*)$ $1 last; }
    location /args/ { rewrite ^/args(/.*)$ $1? break; }
    location /set/ { set $args ""; rewrite ^/set(/.*)$ $1 break; }
    location /if/ { if ($arg_x) { rewrite ^/if(/.*)$ $1 break; } }
--- rows eval
my $a = args('/f.txt');
"/return/                  204
/break/f.txt?$a            200 body=served
/break/f.txt?@{[args('/break/f.txt')]} 403 X-Reason=mismatch
/last/f.txt?$a             200 body=served
/args/f.txt?$a             403 X-Reason=missing
/set/f.txt?$a              403 X-Reason=missing
/if/f.txt?x=1&$a           200 body=served
/if/f.txt?x=1&t=y          403
"


=== TEST 7: internal redirects are judged where they lead
--- config
    root $TEST_NGINX_HTML_DIR;
    location /dir/ { secure_link_hash_require on; }
    location /any/ { secure_link_hash_message any; secure_link_hash_require on; try_files /nothing /open/f.txt?$args; }
    location /named/ { secure_link_hash_message any; secure_link_hash_require on; try_files /nothing @named; }
    location @named { secure_link_hash_require on; rewrite ^ /f.txt break; }
    location /open/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require off; }
    location /strict/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on; }
    location /to-strict/ { secure_link_hash_message any; secure_link_hash_require on; try_files /nothing /strict/f.txt?$args; }
    location /accel/ {
        secure_link_hash_message any; secure_link_hash_require on;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/app/;
    }
    location /app/ { add_header X-Accel-Redirect /strict/f.txt; return 200; }
    location /page/ { secure_link_hash_require on; error_page 403 /open/other.txt; error_page 410 =200 /open/f.txt; }
    location /loop/ { secure_link_hash_require on; error_page 403 /loop/denied.html; }
--- rows eval
my $any = 't=' . mac_token('any', 'key') . '&e=' . LATER;
my $slash = args('/dir/');
my $index = args('/dir/index.html');
CORE::join "\n",
    "/any/x?$any             200 body=served X-Reason=mismatch",
    '/any/x?t=x              403',
    # The named location judges by $uri, as it is there.
    "/named/x?$any           403",
    "/named/x?@{[args('/f.txt')]} 403",
    "/to-strict/x?$any       403 X-Reason=mismatch",
    "/accel/x?$any           403 X-Reason=missing",
    '/page/x                 403 body=other',
    "/page/x?@{[args('/page/x', 'expired')]} 200 body=served",
    '/loop/x                 403',
    # An index is an internal redirect to a file of another name.
    "/dir/index.html?$index  200 body=index",
    "/dir/?$slash            403 X-Reason=mismatch",
    "/dir/?$index            403";


=== TEST 8: values are those of the location, and none is kept
--- config
    location /one/ {
        set $one "$secure_link_hash $secure_link_hash_reason $secure_link_hash_key_id";
        set $unused "$secure_link_hash_token";
        error_page 418 = /two/?$args;
        return 418;
    }
    location /two/ {
        secure_link_hash_message "two";
        secure_link_hash_key     id=other two;
        return 200 "$one;$secure_link_hash $secure_link_hash_reason $secure_link_hash_key_id $secure_link_hash_expires";
    }
--- rows eval
my $l = LATER;
my $one = args('/one/x');
my $two = 't=' . mac_token('two', 'two') . "&e=$l";
"/one/x?$one   200 body=1%20ok%20k;%20mismatch%20%20$l
/one/x?$two   200 body=%20mismatch%20;1%20ok%20other%20$l
"


=== TEST 9: subrequests go by the client's link
--- config
    ssi on;
    ssi_types *;
    location /ssi/ { root $TEST_NGINX_HTML_DIR; secure_link_hash_require on; }
    location /open/ { alias $TEST_NGINX_HTML_DIR/ssi/; }
    location /lan/ { satisfy any; allow 127.0.0.1; alias $TEST_NGINX_HTML_DIR/ssi/; secure_link_hash_require on; }
    location /else/ { alias $TEST_NGINX_HTML_DIR/ssi/; secure_link_hash_message "x$uri|$secure_link_hash_expires"; secure_link_hash_require on; }
    location /part/ { alias $TEST_NGINX_HTML_DIR/; secure_link_hash_require on; }
--- user_files
>>> ssi/x.html
[<!--#include virtual="/part/f.txt" -->]
>>> f.txt
served
--- rows eval
"/ssi/x.html?@{[args('/ssi/x.html')]} 200 body=[served%0a]%0a
/open/x.html?@{[args('/open/x.html')]} 200 changed line=error:secure_link_hash_require:subrequest
/lan/x.html 200 body=[served%0a]%0a
/else/x.html?@{[args('x/else/x.html')]} 200 changed line=error:secure_link_hash_require:subrequest
/ssi/x.html 403
/part/f.txt 403
"


=== TEST 10: what auth_request asks lets nobody in without a right link
--- config
    location /link/ { auth_request /check; alias $TEST_NGINX_HTML_DIR/; }
    location = /check { internal; secure_link_hash_require on; error_page 403 = /login; empty_gif; }
    location /answered/ { auth_request /answering; alias $TEST_NGINX_HTML_DIR/; }
    location = /answering { internal; secure_link_hash_require on; return 204; }
    location = /login { return 200 "login"; }
    location /both/ { secure_link_hash_require on; auth_request /check; alias $TEST_NGINX_HTML_DIR/; }
    location /any/ { satisfy any; secure_link_hash_require on; auth_request /check; alias $TEST_NGINX_HTML_DIR/; }
    location /asks/ { auth_request /open; alias $TEST_NGINX_HTML_DIR/; }
    location = /open { internal; secure_link_hash_require off; empty_gif; }
--- rows eval
my $a = sub { my ($p, $w) = @_; return "$p?" . args($p, $w) };
CORE::join "\n", (map { my $p = $_; "$p 403", $a->($p) . " 403 line=error:secure_link_hash_require:subrequest" } qw(/link/f.txt /answered/f.txt)),
    (map { my $p = $_; "$p 403", $a->($p, 'forged') . ' 403', $a->($p, 'expired') . ' 403|410', $a->($p) . ' 200 body=served' } qw(/both/f.txt /any/f.txt)),
    '/asks/f.txt 200 body=served';
