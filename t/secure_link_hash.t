# The part of secure_link_hash that is as nginx's secure_link: every rule of both forms. Each
# answer holds the values of both modules, so a row also shows that nginx agrees.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

# "twin { ... }" in a configuration stands for the directives of both modules.
add_block_preprocessor(sub {
    my $block = shift;
    my $both = sub {
        my $text = shift;
        (my $ours = $text) =~ s/secure_link/secure_link_hash/g;
        return "$text $ours";
    };
    (my $config = $block->config) =~ s/twin \{(.*?)\}/$both->($1)/seg;
    $config =~ s/SHOW/return 200 "\$secure_link|\$secure_link_expires;\$secure_link_hash|\$secure_link_hash_expires|\$secure_link_hash_reason";/g;
    $block->set_value(config => $config);
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: tokens
--- config
    location / {
        twin { secure_link $arg_t; secure_link_md5 "$uri secret"; }
        SHOW
    }
--- rows eval
my $t = md5_token('/x secret');
my ($right, $wrong, $malformed) = map { "200 body=$_" } '1|;1||ok', '|;||mismatch', '|;||malformed';
my $rows = '';
# The last character has four spare bits: sixteen spellings of one token.
my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_');
my %at; @at{@alphabet} = 0 .. 63;
my $first = $at{ substr $t, 21 } & 48;
for my $n (0 .. 63) {
    my $is_same = $n >= $first && $n < $first + 16;
    $rows .= '/x?t=' . substr($t, 0, 21) . "$alphabet[$n] " . ($is_same ? $right : $wrong) . "\n";
}
$rows . "
/x?t=$t=                    $right
/x?t=$t==                   $right
/x?t=$t=x                   $right
/x?t=$t===                  $malformed
/x?t=$t=xx                  $malformed
/x?t==$t                    $malformed
/x?t=${t}A                  $malformed
/x?t=${t}AA                 $malformed
/x?t=@{[substr $t, 0, 21]}  $malformed
/x?t=@{[substr $t, 0, 21]}= $malformed
/x?t=@{[substr $t, 0, 20]}  $malformed
/x?t=@{[substr $t, 0, 20]}== $malformed
/x?t=@{[substr $t, 0, 21]}+ $malformed
/x?t=@{[substr $t, 0, 21]}/ $malformed
/x?t=@{[substr $t, 0, 21]}. $malformed
/x?t=%@{[substr $t, 1]}     $malformed
/x?t=@{[lc $t]}             $wrong
/y?t=$t                     $wrong
/x?t=                       200 body=|;||missing
/x                          200 body=|;||missing
/x?t=$t&t=x                 $right
/x?t=x&t=$t                 $malformed
"


=== TEST 2: expiry
--- config
    location / {
        twin { secure_link $arg_s; secure_link_md5 "$secure_link_expires$uri"; }
        SHOW
    }
--- rows eval
my $s = sub { my $e = shift; return '/x?s=' . md5_token("$e/x") . ",$e" };
my ($l, $past) = (LATER, PAST);
my $plain = md5_token('/x');
CORE::join "\n",
    $s->($l) . " 200 body=1|$l;1|$l|ok",
    $s->($past) . " 200 body=0|$past;0|$past|expired",
    $s->('1') . " 200 body=0|1;0|1|expired",
    $s->("000$l") . " 200 body=1|000$l;1|000$l|ok",
    $s->('9223372036854775807') . ' 200 body=1|9223372036854775807;1|9223372036854775807|ok',
    (map { $s->($_) . ' 200 body=|;||malformed' }
        '9223372036854775808', '18446744073709551617', '99999999999999999999999', '0', '00', '-1', "+$l", "$l.0", "0x7f", "${l}s", "%20$l", "$l,", "$l,1"),
    "/x?s=$plain 200 body=1|;1||ok",
    "/x?s=$plain, 200 body=|;||malformed",
    # What the link says is there before the hash is looked at.
    '/y?s=' . md5_token("$l/x") . ",$l 200 body=|$l;|$l|mismatch",
    '/y?s=' . md5_token("$past/x") . ",$past 200 body=|$past;|$past|mismatch",
    "/x?s=x,$l 200 body=|$l;|$l|malformed",
    "/x?s=,$l 200 body=|$l;|$l|missing",
    "/x?s=,x 200 body=|;||missing",
    '';


=== TEST 3: the second that a link names belongs to its life
--- http_config
    map $msec $now { ~^(?<seconds>\d+) $seconds; }
--- config eval
my $t = md5_token('x');
qq{
    location / {
        twin { secure_link "$t,\$now"; secure_link_md5 x; }
        set \$same no;
        set \$both "\$secure_link_hash_expires \$now";
        if (\$both ~ "^(\\d+) \\1\$") { set \$same yes; }
        return 200 "\$secure_link \$secure_link_hash \$secure_link_hash_reason \$same";
    }
}
--- rows
/   200 body=1%201%20ok%20yes


=== TEST 4: both expressions or none
--- config
    location /value/ { twin { secure_link $arg_t,$arg_e; } SHOW }
    location /md5/ { twin { secure_link_md5 $uri; } SHOW }
    location /neither/ { SHOW }
--- rows eval
my ($t, $l) = (md5_token(''), LATER);
CORE::join "\n", map { "/$_/?t=@{[md5_token(qq{/$_/})]}&e=$l 200 body=|;||" } qw(value md5 neither);


=== TEST 5: the form with a secret
--- config
    merge_slashes off;
    location / { twin { secure_link_secret "word word"; } SHOW }
    location /rewritten/ {
        twin { secure_link_secret word; }
        rewrite ^ /elsewhere?x=y;
        SHOW
    }
--- rows eval
my $s = sub { return secret_link($_[0], 'word word') };
my ($hash) = $s->('a.jpg') =~ /^(\w+)/;
my ($right, $mismatch, $malformed, $missing) =
    ('a.jpg|;a.jpg||ok', '|;||mismatch', '|;||malformed', '|;||missing');
my $rows = '';
for (
    ["/p/$hash/a.jpg", $right],
    ['/p/' . uc($hash) . '/a.jpg', $right],
    ["//$hash/a.jpg", $right],
    ["/%2e/$hash/a.jpg", $right],
    ["/p/$hash/b.jpg", $mismatch],
    ["/p/$hash/a.jpg?x", $mismatch],
    ["/p/$hash/%61.jpg", $mismatch],
    ["/p/$hash//a.jpg", $mismatch],
    ["/p/$hash/", $malformed],
    ["/p/$hash", $missing],
    ["/$hash/a.jpg", '|;||missing'],
    ['/', $missing],
    ["/p/q/$hash/a.jpg", $malformed],
    ['/p/' . substr($hash, 1) . '/a.jpg', $malformed],
    ["/p/${hash}0/a.jpg", $malformed],
    ['/p/' . substr($hash, 0, 31) . 'g/a.jpg', $malformed],
    ['/p/' . $s->('a.jpg?x=y&z'), 'a.jpg?x=y&z|;a.jpg?x=y&z||ok'],
    ['/p/' . $s->('a/b/c'), 'a/b/c|;a/b/c||ok'],
    ['/p/' . $s->('%2541'), '%2541|;%2541||ok'],
    ['/rewritten/' . secret_link('a', 'word'), 'a|;a||ok'],
) {
    my ($uri, $want) = @$_;
    $want =~ s/%/%25/g;
    $rows .= "$uri 200 body=$want\n";
}
$rows


=== TEST 6: inheritance of expressions, one by one
--- http_config
    secure_link      $arg_t;
    secure_link_hash $arg_t;
--- config
    twin { secure_link_md5 "server $uri"; }
    location /both/ { SHOW }
    location /md5/ {
        twin { secure_link_md5 "own $uri"; } SHOW
        location /md5/deep/ { twin { secure_link $arg_deep; } SHOW }
    }
    location /value/ { twin { secure_link $arg_own; } SHOW }
    location /secret/ {
        twin { secure_link_secret word; } SHOW
        location /secret/deep/ { SHOW }
        location /secret/md5/ { twin { secure_link $arg_t; secure_link_md5 "deep $uri"; } SHOW }
        location /secret/half/ { twin { secure_link_md5 "half $uri"; } SHOW }
        location /secret/own/ { twin { secure_link_secret other; } SHOW }
    }
--- rows eval
my $ok = '200 body=1|;1||ok';
my $rows = '';
for (
    ['/both/x?t=', 'server /both/x'], ['/md5/x?t=', 'own /md5/x'], ['/md5/deep/x?deep=', 'own /md5/deep/x'],
    ['/value/x?own=', 'server /value/x'], ['/secret/md5/x?t=', 'deep /secret/md5/x'],
) {
    $rows .= $_->[0] . md5_token($_->[1]) . " $ok\n";
}
$rows . '/value/x?t=' . md5_token('server /value/x') . " 200 body=|;||missing\n"
    . '/both/x?t=' . md5_token('own /both/x') . " 200 body=|;||mismatch\n"
    . '/secret/' . secret_link('x', 'word') . " 200 body=x|;x||ok\n"
    . '/secret/deep/x?t=' . md5_token('server /secret/deep/x') . " 200 body=|;||malformed\n"
    . '/secret/half/x?t=' . md5_token('half /secret/half/x') . " 200 body=|;||\n"
    . '/secret/deep/x 200 body=|;||malformed' . "\n";


=== TEST 7: where a location's own secret is inherited by those inside
--- config
    location /a {
        twin { secure_link_secret word; } SHOW
        location /a/deep { SHOW }
        location /a/own { twin { secure_link_secret other; } SHOW }
    }
--- rows eval
"/a/@{[secret_link('x', 'word')]}      200 body=x|;x||ok
/a/@{[secret_link('x', 'other')]}     200 body=|;||mismatch
/a/deep 200 body=|;||missing
/a/deep/@{[secret_link('x', 'word')]} 200 body=|;||malformed
/a/own/@{[secret_link('x', 'other')]} 200 body=|;||malformed
/a-deep/@{[secret_link('x', 'word')]} 200 body=x|;x||ok
"


=== TEST 8: if
--- config
    location / {
        secure_link_hash     $arg_t,$arg_e;
        secure_link_hash_md5 "$secure_link_hash_expires$uri secret";
        if ($secure_link_hash = "")  { return 403; }
        if ($secure_link_hash = "0") { return 410; }
        return 200 served;
    }
--- rows eval
my ($l, $past) = (LATER, PAST);
"/x?e=$l&t=@{[md5_token($l . '/x secret')]}      200 body=served
/x?e=$past&t=@{[md5_token($past . '/x secret')]} 410
/x?e=$past&t=@{[md5_token($l . '/x secret')]}    403
/x                                               403
"


=== TEST 9: a verdict lasts as long as what it was made of
--- config
    secure_link_hash     $arg_t,$arg_e;
    secure_link_hash_md5 "$secure_link_hash_expires$uri secret";
    location /steady/ {
        set $first $secure_link_hash_reason;
        return 200 "$first|$secure_link_hash_reason";
    }
    location /args/ {
        set $first $secure_link_hash_reason;
        set $args "";
        return 200 "$first|$secure_link_hash_reason";
    }
    location /uri/ {
        set $first $secure_link_hash_reason;
        rewrite ^ /uri/other;
        set $second $secure_link_hash_reason;
        rewrite ^ /uri/x;
        return 200 "$first|$second|$secure_link_hash_reason";
    }
    location /moved/ {
        set $first $secure_link_hash_reason;
        rewrite ^ /target last;
    }
    location = /target {
        return 200 "$first|$secure_link_hash_reason";
    }
    location /variable/ {
        set $secret wrong;
        secure_link_hash_md5 "$secure_link_hash_expires$uri $secret";
        set $first $secure_link_hash_reason;
        set $secret secret;
        return 200 "$first|$secure_link_hash_reason";
    }
    location /outer/ {
        set $first $secure_link_hash_reason;
        error_page 404 = @inner;
        return 404;
    }
    location @inner {
        secure_link_hash_md5 "$secure_link_hash_expires$uri other";
        return 200 "$first|$secure_link_hash_reason";
    }
--- rows eval
my $l = LATER;
CORE::join '', map {
    my ($uri, $body) = @$_;
    "$uri?e=$l&t=@{[md5_token($l . qq{$uri secret})]} 200 body=$body\n";
} ['/steady/x', 'ok|ok'], ['/args/x', 'ok|missing'], ['/uri/x', 'ok|mismatch|ok'],
  ['/moved/x', 'ok|mismatch'], ['/variable/x', 'mismatch|ok'], ['/outer/x', 'ok|mismatch'];


=== TEST 10: an expression that needs its own value
--- config
    location / {
        secure_link_hash     $arg_t,$secure_link_hash_expires;
        secure_link_hash_md5 x;
        return 200 "[$secure_link_hash]";
    }
--- no_error_log
[alert]
[emerg]
panic
--- rows
/?t=x   200 body=[] line=error:cycle


=== TEST 11: an address that is only known in the location
--- config
    set_real_ip_from 127.0.0.1;
    location /early/ {
        real_ip_header X-Real-IP;
        set $seen "$secure_link_hash_reason$remote_addr$binary_remote_addr";
        secure_link_hash         $arg_t;
        secure_link_hash_md5     "$uri $remote_addr secret";
        secure_link_hash_require on;
        try_files /none @seen;
    }
    location /akamai/ {
        real_ip_header X-Real-IP;
        if ($secure_link_hash_reason = never) { return 418; }
        secure_link_hash_format  akamai;
        secure_link_hash_key     hex:52a152a152a152a152a152a152a1;
        secure_link_hash_require on;
        try_files /none @seen;
    }
    location @seen { return 200 "$remote_addr"; }
--- rows eval
my ($there, $here) = map { md5_token("/early/x $_ secret") } '192.0.2.1', '127.0.0.1';
my $edge = sub {
    my $text = "ip=$_[0]~exp=2000000000~acl=/*";
    require Digest::SHA;
    return "$text~hmac=" . Digest::SHA::hmac_sha256_hex($text, pack 'H*', '52a1' x 7);
};
my ($edge_there, $edge_here) = map { $edge->($_) } '192.0.2.1', '127.0.0.1';
"
/early/x?t=$there [X-Real-IP: 192.0.2.1]            200 body=192.0.2.1
/early/x?t=$there                                   403
/early/x?t=$here [X-Real-IP: 192.0.2.1]             403
/early/x?t=$here                                    200 body=127.0.0.1
/akamai/x?hdnts=$edge_there [X-Real-IP: 192.0.2.1]  200 body=192.0.2.1
/akamai/x?hdnts=$edge_there                         403
/akamai/x?hdnts=$edge_here [X-Real-IP: 192.0.2.1]   403
/akamai/x?hdnts=$edge_here                          200 body=127.0.0.1
"
