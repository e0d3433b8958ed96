# secure_link_hash_message and what belongs to it: algorithms, keys and their rotation, encodings,
# prefixes, times, and every reason a link is refused for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

# What every location shows of a link.
add_block_preprocessor(sub {
    my $block = shift;
    $block->set_value(http_config => ($block->http_config || '') . q{
    map $uri $shown { default "$secure_link_hash|$secure_link_hash_expires|$secure_link_hash_reason|$secure_link_hash_key_id"; }
});
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: a link, and every way to be wrong
--- config
    location / {
        secure_link_hash         $arg_t,$arg_e;
        secure_link_hash_message "$uri|$secure_link_hash_expires|$arg_w";
        secure_link_hash_key     secret;
        return 200 "$shown";
    }
--- rows eval
my $t = mac_token('/a b|' . LATER . '|', 'secret');
my $p = mac_token('/a b|' . PAST . '|', 'secret');
(my $spare = $t) =~ s/(.)$/chr(ord($1) + 1)/e;
my ($l, $past) = (LATER, PAST);
my $half = base64url(substr mac('/a b|' . LATER . '|', 'secret'), 0, 16);
"
/a%20b?t=$t&e=$l               200 body=1|$l|ok|
/%61+b?t=$t&e=$l               200 body=|$l|mismatch|
/a%20b?t=$t=&e=$l              200 body=1|$l|ok|
/a%20b?t=$t==&e=$l             200 body=|$l|malformed|
/a%20b?t=$t%3D&e=$l            200 body=1|$l|ok|
/a%20b?t=$t%3d&e=%34${\substr $l, 1}  200 body=1|$l|ok|
/a%20b?t=$t%253D&e=$l          200 body=|$l|malformed|
/a%20b?t=$t%2C$l&e=$l          200 body=|$l|malformed|
/a%20b?t=$t&e=$l%2C            200 body=||malformed|
/a%20b?t=$t&e=$l%00            200 body=||malformed|
/a%20b?t=$t&e=${l}0            200 body=|${l}0|mismatch|
/a%20b?t=$t&e=$l&w=640         200 body=|$l|mismatch|
/a%20c?t=$t&e=$l               200 body=|$l|mismatch|
/a%20b?t=$p&e=$past            200 body=0|$past|expired|
/a%20b?t=$t&e=$past            200 body=|$past|mismatch|
/a%20b?e=$l                    200 body=|$l|missing|
/a%20b                         200 body=||missing|
/a%20b?t=$t                    200 body=||malformed|
/a%20b?t=$t&e=0                200 body=||malformed|
/a%20b?t=$t&e=-1               200 body=||malformed|
/a%20b?t=$t&e=9223372036854775808  200 body=||malformed|
/a%20b?t=$t&e=4e9              200 body=||malformed|
/a%20b?t=$spare&e=$l           200 body=|$l|malformed|
/a%20b?t=x.$t&e=$l             200 body=|$l|no_key|
/a%20b?t=.$t&e=$l              200 body=|$l|malformed|
/a%20b?t=%20$t&e=$l            200 body=|$l|malformed|
/a%20b?t=@{[substr $t, 1]}&e=$l  200 body=|$l|malformed|
/a%20b?t=$half&e=$l            200 body=|$l|mismatch|
"


=== TEST 2: algorithms
--- config eval
CORE::join '', (map qq{
    location /$_/ {
        secure_link_hash           \$arg_t;
        secure_link_hash_message   "\$uri";
        secure_link_hash_key       "a key";
        secure_link_hash_algorithm $_;
        return 200 "\$secure_link_hash_reason \$secure_link_hash_token";
    }
}, qw(hmac-sha256 hmac-sha512 hmac-sha1 sha256 md5)), q{
    location /default/ {
        secure_link_hash           $arg_t;
        secure_link_hash_message   "$uri";
        secure_link_hash_key       "a key";
        return 200 "$secure_link_hash_reason $secure_link_hash_token";
    }
}
--- rows eval
my $rows = '';
for my $name (qw(hmac-sha256 hmac-sha512 hmac-sha1 sha256 md5 default)) {
    my $algorithm = $name eq 'default' ? 'hmac-sha256' : $name;
    my $t = mac_token("/$name/x", 'a key', $algorithm);
    my $other = mac_token("/$name/x", 'a kez', $algorithm);
    $rows .= "/$name/x?t=$t 200 body=ok%20$t\n/$name/x?t=$other 200 body=mismatch%20$t\n";
    my $half = base64url(substr mac("/$name/x", 'a key', $algorithm), 0, 16);
    $rows .= "/$name/x?t=$half 200 body=" . ($name eq 'md5' ? 'ok' : 'mismatch') . "%20$t\n";
}
$rows


=== TEST 3: keys: notations, files, rotation
--- user_files
>>> one.key
secret-of-one
>>> two.key
hex:7365637265742d6f662d74776f
--- config
    secure_link_hash         $arg_t;
    secure_link_hash_message "$uri";
    location /text/   { secure_link_hash_key "id=x" "secret word"; return 200 "$secure_link_hash_reason|$secure_link_hash_key_id"; }
    location /hex/    { secure_link_hash_key hex:736563726574; return 200 "$secure_link_hash_reason|$secure_link_hash_key_id"; }
    location /base64/ { secure_link_hash_key base64:c2VjcmV0; return 200 "$secure_link_hash_reason|$secure_link_hash_key_id"; }
    location /url/    { secure_link_hash_key base64:-_-_; return 200 "$secure_link_hash_reason|$secure_link_hash_key_id"; }
    location /many/ {
        secure_link_hash_key id=new file=$TEST_NGINX_HTML_DIR/one.key;
        secure_link_hash_key id=old file=$TEST_NGINX_HTML_DIR/two.key;
        secure_link_hash_key three;
        return 200 "$secure_link_hash_reason|$secure_link_hash_key_id|$secure_link_hash_token";
        location /many/own/ {
            secure_link_hash_key id=own four;
            return 200 "$secure_link_hash_reason|$secure_link_hash_key_id|$secure_link_hash_token";
        }
    }
    location /none/ { return 200 "$secure_link_hash|$secure_link_hash_reason|$secure_link_hash_token"; }
--- rows eval
my ($one, $two, $three) = map { mac_token('/many/x', $_) } 'secret-of-one', 'secret-of-two', 'three';
my $url = mac_token('/url/x', "\xfb\xff\xbf");
my $four = mac_token('/many/own/x', 'four');
"
/text/x?t=@{[mac_token('/text/x', 'secret word')]}   200 body=ok|x
/text/x?t=x.@{[mac_token('/text/x', 'secret word')]} 200 body=ok|x
/hex/x?t=@{[mac_token('/hex/x', 'secret')]}          200 body=ok|
/base64/x?t=@{[mac_token('/base64/x', 'secret')]}    200 body=ok|
/url/x?t=$url  200 body=ok|
/many/x?t=$one                                       200 body=ok|new|new.$one
/many/x?t=new.$one                                   200 body=ok|new|new.$one
/many/x?t=old.$two                                   200 body=ok|old|new.$one
/many/x?t=$two                                       200 body=ok|old|new.$one
/many/x?t=$three                                     200 body=ok||new.$one
/many/x?t=old.$one                                   200 body=mismatch||new.$one
/many/x?t=new.$three                                 200 body=mismatch||new.$one
/many/x?t=gone.$one                                  200 body=no_key||new.$one
/many/own/x?t=own.$four                              200 body=ok|own|own.$four
/many/own/x?t=new.@{[mac_token('/many/own/x', 'secret-of-one')]}  200 body=no_key||own.$four
/none/x?t=$one                                       200 body=|no_key|
/none/x                                              200 body=|missing|
"


=== TEST 4: encodings
--- config
    secure_link_hash         $arg_t;
    secure_link_hash_message "$uri";
    secure_link_hash_key     id=k key;
    location /hex/   { secure_link_hash_encoding hex; return 200 "$secure_link_hash_reason|$secure_link_hash_token"; }
    location /url/   { secure_link_hash_encoding base64url; return 200 "$secure_link_hash_reason"; }
    location /short/ { secure_link_hash_encoding hex min=20; return 200 "$secure_link_hash_reason|$secure_link_hash_token"; }
    location /sixteen/ { secure_link_hash_encoding base64url min=16; return 200 "$secure_link_hash_reason"; }
--- rows eval
my $hex = unpack 'H*', mac('/hex/x', 'key');
my $short = unpack 'H*', mac('/short/x', 'key');
my $sixteen = mac('/sixteen/x', 'key');
"
/hex/x?t=$hex                           200 body=ok|k.$hex
/hex/x?t=@{[uc $hex]}                   200 body=ok|k.$hex
/hex/x?t=k.$hex                         200 body=ok|k.$hex
/hex/x?t=@{[mac_token('/hex/x', 'key')]} 200 body=malformed|k.$hex
/hex/x?t=@{[substr $hex, 0, 40]}        200 body=mismatch|k.$hex
/hex/x?t=${hex}00                       200 body=mismatch|k.$hex
/url/x?t=@{[unpack 'H*', mac('/url/x', 'key')]} 200 body=mismatch
/short/x?t=$short                       200 body=ok|k.$short
/short/x?t=@{[substr $short, 0, 40]}    200 body=ok|k.$short
/short/x?t=@{[substr $short, 0, 62]}    200 body=ok|k.$short
/short/x?t=@{[substr $short, 0, 39]}    200 body=malformed|k.$short
/short/x?t=@{[substr $short, 0, 38]}    200 body=mismatch|k.$short
/short/x?t=@{[substr $short, 2, 40]}    200 body=mismatch|k.$short
/sixteen/x?t=@{[base64url(substr $sixteen, 0, 16)]} 200 body=ok
/sixteen/x?t=@{[base64url(substr $sixteen, 0, 15)]} 200 body=malformed
"


=== TEST 5: leeway and the start of a link's life
--- config
    secure_link_hash            $arg_t,$arg_e;
    secure_link_hash_not_before $arg_n;
    secure_link_hash_message    "$uri|$secure_link_hash_expires|$arg_n";
    secure_link_hash_key        key;
    location /in/   { return 200 "$secure_link_hash|$secure_link_hash_reason"; }
    location /wide/ { secure_link_hash_leeway 1h; return 200 "$secure_link_hash|$secure_link_hash_reason"; }
--- rows eval
my $rows = '';
my $now = time;
my $week = 7 * 86400;
for (
    # first and last second, as offsets; what comes of it
    ['in', -$week, $week, '1|ok'], ['in', -1800, -1700, '0|expired'], ['in', 1700, $week, '|not_yet'],
    ['wide', -1800, -1700, '1|ok'], ['wide', 1700, $week, '1|ok'],
    ['wide', -$week, -3700, '0|expired'], ['wide', 3900, $week, '|not_yet'],
) {
    my ($where, $start, $end, $want) = @$_;
    my ($n, $e) = ($now + $start, $now + $end);
    my $t = mac_token("/$where/x|$e|$n", 'key');
    $rows .= "/$where/x?t=$t&e=$e&n=$n 200 body=$want\n";
}
my $e = $now + $week;
for (['', '1|ok'], [0, '|malformed'], ['x', '|malformed'], ['-5', '|malformed']) {
    my ($n, $want) = @$_;
    my $t = mac_token("/in/x|$e|$n", 'key');
    $rows .= "/in/x?t=$t&e=$e&n=$n 200 body=$want\n";
}
$rows


=== TEST 6: one token for a folder
--- config
    secure_link_hash         $arg_t,$arg_e;
    secure_link_hash_message "$secure_link_hash_expires";
    secure_link_hash_key     id=k key;
    secure_link_hash_prefix  on;
    location /g/ { return 200 "$secure_link_hash_reason|$secure_link_hash_token"; }
    location /whole/ { secure_link_hash_prefix off; return 200 "$secure_link_hash_reason|$secure_link_hash_token"; }
--- rows eval
my $e = LATER;
my $token = sub { my $p = base64url(shift); return "k.$p." . mac_token("$p.$e", 'key') };
my $g = $token->('/g/');
my $a = $token->('/g/a/');
my ($none, $all, $odd) = map { $token->($_) } '', '/', 'g/';
my $plain = 'k.' . mac_token($e, 'key');
my $folder = base64url('/g/');
my $longer = "k.$folder." . mac_token("$folder.${e}0", 'key');
(my $moved = $a) =~ s/^k\.[^.]+/'k.' . base64url("\x2f")/e;
"
/g/x.jpg?t=$g&e=$e                    200 body=ok|$g
/g/a/b/x.jpg?t=$g&e=$e                200 body=ok|@{[$token->('/g/a/b/')]}
/g/a/x.jpg?t=$a&e=$e                  200 body=ok|$a
/g/x.jpg?t=$a&e=$e                    200 body=mismatch|$g
/g/a/../x.jpg?t=$a&e=$e               200 body=mismatch|$g
/g/a/%2e%2e/x.jpg?t=$a&e=$e           200 body=mismatch|$g
/g/ax.jpg?t=$a&e=$e                   200 body=mismatch|$g
/g/x.jpg?t=$all&e=$e                  200 body=ok|$g
/g/x.jpg?t=$none&e=$e                 200 body=malformed|$g
/g/x.jpg?t=$odd&e=$e                  200 body=malformed|$g
/g/x.jpg?t=$moved&e=$e                200 body=mismatch|$g
/g/x.jpg?t=$plain&e=$e                200 body=mismatch|$g
/g/x.jpg?t=$g&e=${e}0                 200 body=mismatch|$longer
/whole/x?t=$plain&e=$e                200 body=ok|$plain
/whole/x?t=$g&e=$e                    200 body=malformed|$plain
"


=== TEST 7: nginx hands out links itself
--- config
    secure_link_hash_key key;
    location /hand/ {
        set $target /open$arg_for;
        set $until  4102444800;
        secure_link_hash         ,$until;
        secure_link_hash_message "$target|$secure_link_hash_expires";
        return 302 $target?t=$secure_link_hash_token&e=$until;
    }
    location /open/ {
        secure_link_hash         $arg_t,$arg_e;
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        secure_link_hash_require on;
        return 200 $secure_link_hash_reason;
    }
--- script eval
sub {
    my $name = shift;
    my $r = client()->get('/hand/?for=/a');
    my ($where) = ($r->{h}{location} || '') =~ m{^http://[^/]+(/.*)$};
    Test::More::is($where, '/open/a?t=' . mac_token('/open/a|4102444800', 'key') . '&e=4102444800', "$name - the link");
    Test::More::is(client()->get($where)->{body}, 'ok', "$name - is right");
}


=== TEST 8: what one level says replaces what another says
--- http_config
    secure_link_hash     $arg_t,$arg_e;
    secure_link_hash_key key;
--- config
    secure_link_hash_message "$uri|$secure_link_hash_expires";
    secure_link_hash_algorithm hmac-sha1;
    location /server/ { return 200 $secure_link_hash_reason; }
    location /own/ {
        secure_link_hash_algorithm sha256;
        secure_link_hash_message   "own $uri";
        return 200 $secure_link_hash_reason;
        location /own/deep/ { return 200 $secure_link_hash_reason; }
    }
    location /md5/ { secure_link_hash_md5 "$secure_link_hash_expires$uri s"; return 200 "$secure_link_hash_reason"; }
    location /secret/ { secure_link_hash_secret word; return 200 "$secure_link_hash_reason $secure_link_hash"; }
    location /value/ { secure_link_hash $arg_other; return 200 $secure_link_hash_reason; }
--- rows eval
my $e = LATER;
my $server = mac_token("/server/x|$e", 'key', 'hmac-sha1');
my $md5 = md5_token("$e/md5/x s");
"
/server/x?e=$e&t=$server  200 body=ok
/own/x?e=$e&t=@{[mac_token('own /own/x', 'key', 'sha256')]}           200 body=ok
/own/deep/x?e=$e&t=@{[mac_token('own /own/deep/x', 'key', 'sha256')]} 200 body=ok
/own/deep/x?e=$e&t=@{[mac_token('own /own/deep/x', 'key')]}           200 body=mismatch
/md5/x?e=$e&t=$md5                                                    200 body=ok
/secret/@{[secret_link('a/b', 'word')]}                               200 body=ok%20a/b
/secret/x?e=$e                                                        200 body=missing%20
/value/x?other=@{[mac_token('/value/x|', 'key', 'hmac-sha1')]}        200 body=ok
"


=== TEST 9: where nothing says what a right link is, nobody is let in
--- config
    secure_link_hash_require on;
    location /none/ { return 200; }
    location / { root $TEST_NGINX_HTML_DIR; error_page 404 = /none/; }
    location /value/ { root $TEST_NGINX_HTML_DIR; secure_link_hash $arg_t; error_page 404 = /none/; }
    location /message/ { root $TEST_NGINX_HTML_DIR; secure_link_hash_message $arg_t; secure_link_hash_key k; }
--- rows eval
"/x?t=x          403 line=error:secure_link_hash_require:nothing:says
/value/x?t=x    403 line=error:secure_link_hash_require:nothing:says
/message/x?t=@{[mac_token('', 'k')]}  403 line=error:secure_link_hash_require:nothing:says
"


=== TEST 10: inheritance of encoding, times and prefix
--- http_config
    secure_link_hash            $arg_t,$arg_e;
    secure_link_hash_message    "$secure_link_hash_expires";
    secure_link_hash_key        key;
    secure_link_hash_encoding   hex min=16;
    secure_link_hash_not_before 4000000000;
    secure_link_hash_prefix     on;
--- config
    secure_link_hash_leeway     3650d;
    location /all/ {
        return 200 $secure_link_hash_reason;
        location /all/leeway/    { secure_link_hash_leeway 0; return 200 $secure_link_hash_reason; }
        location /all/encoding/  { secure_link_hash_encoding base64url; return 200 $secure_link_hash_reason; }
        location /all/start/     { secure_link_hash_leeway 0; secure_link_hash_not_before ""; return 200 $secure_link_hash_reason; }
        location /all/prefix/    { secure_link_hash_prefix off; return 200 $secure_link_hash_reason; }
    }
    location /far/ { secure_link_hash_leeway 36500d; return 200 $secure_link_hash_reason; }
--- rows eval
my $e = LATER;
my $p = base64url('/');
my $tag = unpack 'H*', mac("$p.$e", 'key');
my $plain = unpack 'H*', mac($e, 'key');
my $half = substr $tag, 0, 32;
my $base64 = mac_token("$p.$e", 'key');
"
/all/x?e=$e&t=$p.$tag             200 body=not_yet
/far/x?e=$e&t=$p.$tag             200 body=ok
/far/x?e=$e&t=$p.$half            200 body=ok
/all/leeway/x?e=$e&t=$p.$half     200 body=not_yet
/all/encoding/x?e=$e&t=$p.$base64 200 body=not_yet
/all/encoding/x?e=$e&t=$p.$half   200 body=mismatch
/all/start/x?e=$e&t=$p.$half      200 body=ok
/all/prefix/x?e=$e&t=$plain       200 body=not_yet
/all/prefix/x?e=$e&t=$p.$tag      200 body=no_key
"


=== TEST 11: how long the links last that nginx hands out
--- http_config
    secure_link_hash_lifetime 1h;
--- config
    secure_link_hash_key key;
    secure_link_hash_message "/open/a|$secure_link_hash_until";
    location /now { return 200 $msec; }
    location /hand/ {
        return 302 /open/a?t=$secure_link_hash_token&e=$secure_link_hash_until;
        location /hand/longer/ {
            secure_link_hash_lifetime 2d;
            return 302 /open/a?t=$secure_link_hash_token&e=$secure_link_hash_until;
        }
        location /hand/now/ {
            secure_link_hash_lifetime 0;
            return 302 /open/a?t=$secure_link_hash_token&e=$secure_link_hash_until;
        }
    }
    location /open/ {
        secure_link_hash         $arg_t,$arg_e;
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        return 200 $secure_link_hash_reason;
    }
--- script eval
sub {
    my $name = shift;
    my %lives = ('/hand/' => 3600, '/hand/longer/' => 172800, '/hand/now/' => 0);
    for my $uri (sort keys %lives) {
        # By the clock of nginx, which is that of when it woke up.
        my $now = sub { int client()->get('/now')->{body} };
        my $before = $now->();
        my ($where) = (client()->get($uri)->{h}{location} || '') =~ m{^http://[^/]+(/.*)$};
        my $after = $now->();
        my ($token, $until) = $where =~ /t=(.*)&e=(\d+)$/;
        Test::More::is($token, mac_token("/open/a|$until", 'key'), "$name - $uri, the token signs it");
        my $lives = $lives{$uri};
        Test::More::ok($until >= $before + $lives && $until <= $after + $lives, "$name - $uri, until $until");
        Test::More::is(client()->get($where)->{body}, 'ok', "$name - $uri, is right") if $lives;
    }
    my $later = client()->get('/hand/now/')->{h}{location};
    $later =~ s{^http://[^/]+}{};
    Test::More::ok(wait_for(5, sub { client()->get($later)->{body} eq 'expired' }), "$name - and then expires");
}


=== TEST 12: without a lifetime no time
--- config
    location / { return 200 "[$secure_link_hash_until]"; }
--- rows
/   200 body=[]
