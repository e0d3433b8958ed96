# secure_link_hash_format: links as imgproxy, thumbor, Akamai, bunny.net, CloudFront, Google,
# Cloudflare, Alibaba, KeyCDN and imgix sign them.
# Vectors are those of their documentation and libraries; where these have expired, links are made
# here by the same rules.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256);
use File::Temp ();
use MIME::Base64 qw(encode_base64);

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

my $dir = File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
$ENV{TEST_NGINX_LINK_KEYS} = $dir;
for my $name (qw(one two)) {
    system("openssl genrsa -out $dir/$name.pem 2048 2>/dev/null && openssl rsa -in $dir/$name.pem -pubout -out $dir/$name.pub 2>/dev/null") == 0
        or die 'openssl: no keys';
}

# What openssl signs, as CloudFront writes it.
sub rsa_sign {
    my ($text, $name, $hash) = @_;
    open my $out, '>', "$dir/text" or die $!;
    print $out $text;
    close $out;
    (my $signature = encode_base64(scalar `openssl dgst -$hash -sign $dir/$name.pem $dir/text`, '')) =~ tr{+=/}{-_~};
    return $signature;
}

sub canned {
    my ($url, $expires) = @_;
    return qq({"Statement":[{"Resource":"$url","Condition":{"DateLessThan":{"AWS:EpochTime":$expires}}}]});
}

sub custom {
    my ($resource, $expires, $rest) = @_;
    my $policy = qq({"Statement":[{"Resource":"$resource","Condition":{"DateLessThan":{"AWS:EpochTime":$expires}$rest}}]});
    (my $text = encode_base64($policy, '')) =~ tr{+=/}{-_~};
    return "Policy=$text&Signature=" . rsa_sign($policy, 'one', 'sha1') . '&Key-Pair-Id=K1';
}

# bunny.net, after its documentation.
sub bunny {
    my ($path, $expires, $params, $address) = @_;
    my $signed = "$path$expires" . ($address || '') . ($params || '');
    return ($address ? 'HS256-1-' : 'HS256-') . base64url(hmac_sha256($signed, 'SecurityKey'));
}

# Akamai's EdgeAuth.
sub edge {
    my ($fields, $rest) = @_;
    return "$fields~hmac=" . hmac_sha256_hex("$fields$rest", pack 'H*', '52a152a152a152a152a152a152a1');
}

for my $f (qw(rsa_sign canned custom bunny edge hmac_sha256 sha256)) {
    no strict 'refs';
    *{"Test::Base::Filter::$f"} = \&$f;
}

add_block_preprocessor(sub {
    my $block = shift;
    (my $config = $block->config) =~ s/SHOW/return 200 "\$secure_link_hash|\$secure_link_hash_reason|\$secure_link_hash_key_id|\$secure_link_hash_expires|\$secure_link_hash_token";/g;
    $block->set_value(config => $config);
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: imgproxy
--- config
    merge_slashes off;
    location / {
        secure_link_hash_format imgproxy;
        secure_link_hash_key other;
        secure_link_hash_key id=doc salt=hex:68656c6c6f hex:736563726574;
        SHOW
    }
--- rows eval
# https://docs.imgproxy.net/usage/signing_url
my $signature = 'oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8';
my $path = '/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png';
"
/$signature$path          200 body=1|ok|doc||
/$signature$path?x        200 body=1|ok|doc||
/$signature${path}x       200 body=|mismatch|||
/$signature/$path         200 body=|mismatch|||
/insecure$path            200 body=|malformed|||
/$path                    200 body=|missing|||
/                         200 body=|missing|||
"


=== TEST 2: imgproxy below a prefix of its own: the location gets what is behind it
--- config
    location /img/ {
        rewrite ^/img(/.*)$ $1 break;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT;
    }
    location / {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt_file=$TEST_NGINX_HTML_DIR/salt file=$TEST_NGINX_HTML_DIR/key;
        secure_link_hash_message $arg_for;
        secure_link_hash_encoding base64url min=16;
        SHOW
    }
    # Where none are read, no link of another location is right.
    location /other/ {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        SHOW
    }
--- user_files
>>> salt
hex:68656c6c6f
>>> key
secret
--- rows eval
my $t = sub { base64url(hmac_sha256('hello' . shift, 'secret')) };
my $half = base64url(substr hmac_sha256('hello/x', 'secret'), 0, 16);
my $less = base64url(substr hmac_sha256('hello/x', 'secret'), 0, 15);
"
/img/@{[$t->('/x')]}/x            200 body=1|ok|||@{[$t->('')]}
/$half/x                          200 body=1|ok|||@{[$t->('')]}
/$less/x                          200 body=|malformed|||@{[$t->('')]}
/other/@{[$t->('/x')]}/x          200 body=|malformed|||
/@{[$t->('/x')]}/x?for=/a/b       200 body=1|ok|||@{[$t->('/a/b')]}
"


=== TEST 3: thumbor
--- config
    location / {
        secure_link_hash_format thumbor;
        secure_link_hash_key id=t my-security-key;
        secure_link_hash_message "300x200/smart/path/to/image.jpg";
        SHOW
    }
--- rows eval
# libthumbor 2.0.2: CryptoURL(key='my-security-key').generate(width=300, height=200, smart=True, ...)
my $made = 'TaWoUq6tvBe2HywzAULy6_Np-2k=';
"
/TaWoUq6tvBe2HywzAULy6_Np-2k=/300x200/smart/path/to/image.jpg     200 body=1|ok|t||$made
/TaWoUq6tvBe2HywzAULy6_Np-2k/300x200/smart/path/to/image.jpg      200 body=1|ok|t||$made
/TaWoUq6tvBe2HywzAULy6_Np-2k%3D/300x200/smart/path/to/image.jpg   200 body=1|ok|t||$made
/TaWoUq6tvBe2HywzAULy6_Np-2k=/3000x200/smart/path/to/image.jpg    200 body=|mismatch|||$made
/unsafe/300x200/smart/path/to/image.jpg                           200 body=|malformed|||$made
"


=== TEST 4: akamai
--- config
    location / {
        secure_link_hash_format akamai;
        secure_link_hash_key hex:52a152a152a152a152a152a152a1;
        SHOW
    }
    location /salted/ {
        secure_link_hash_format akamai;
        secure_link_hash_key salt=pepper hex:52a152a152a152a152a152a152a1;
        secure_link_hash_message "exp=2000000000~acl=/*";
        SHOW
    }
--- rows eval
# akamai-edgeauth 0.3.2
my $acl = 'st=1500000000~exp=2000000000~acl=/gallery/*~hmac=bc20b1e411c342234705591b79f082595dabb6e88a2bef7e38b1150b35183706';
my $url = 'exp=2000000000~hmac=8efc9c30d35b46cd7183ea7b3b348adce6a6c2429c203c499a53aa36274fe91e';
my $expired = edge('exp=1500000000~acl=/*', '');
my $later = edge('st=4000000000~exp=4100000000~acl=/*', '');
my $here = edge('ip=127.0.0.1~exp=2000000000~acl=/*', '');
my $there = edge('ip=192.0.2.1~exp=2000000000~acl=/*', '');
my $sighted = edge('exp=2000000000~url=/x~acl=/*', '');
my $doubled = edge('exp=2000000000~acl=/x~acl=/*', '');
(my $escaped = $here) =~ s/([=~*\/])/sprintf '%%%02X', ord $1/ge;
my $salted = edge('exp=2000000000~acl=/*', '~salt=pepper');
"
/gallery/1/a.jpg?hdnts=$acl         200 body=1|ok||2000000000|
/gallery/1/a.jpg?a=b&hdnea=$acl     200 body=1|ok||2000000000|
/gallery/1/a.jpg?__token__=$acl     200 body=1|ok||2000000000|
/other/a.jpg?hdnts=$acl             200 body=|mismatch|||
/akamai/edge.jpg?hdnts=$url         200 body=1|ok||2000000000|
/akamai/edge2.jpg?hdnts=$url        200 body=|mismatch|||
/a?hdnts=$expired                   200 body=0|expired||1500000000|
/a?hdnts=$later                     200 body=|not_yet||4100000000|
/a?hdnts=$here                      200 body=1|ok||2000000000|
/a?hdnts=$there                     200 body=|mismatch|||
/a?hdnts=x                          200 body=|malformed|||
/a?hdnts=$sighted                   200 body=|malformed|||
/a?hdnts=$doubled                   200 body=|malformed|||
/a?hdnts=$here&hdnts=$here          200 body=|malformed|||
/a?hdnts=$here&hdnea=$here          200 body=|malformed|||
/a?hdnts=$escaped                   200 body=1|ok||2000000000|
/a                                  200 body=|missing|||
/salted/a?hdnts=$salted             200 body=1|ok||2000000000|$salted
/salted/a?hdnts=$here               200 body=|mismatch|||$salted
"


=== TEST 5: bunny.net
--- config
    location / {
        secure_link_hash_format bunny;
        secure_link_hash_key id=b SecurityKey;
        secure_link_hash_message $arg_for;
        SHOW
    }
    location /bound/ {
        secure_link_hash_format bunny ip=required;
        secure_link_hash_key id=b SecurityKey;
        SHOW
    }
    location /hash/ {
        secure_link_hash_format bunny sha256=on;
        secure_link_hash_key id=b SecurityKey;
        SHOW
    }
--- rows eval
my $l = LATER;
# BunnyWay's e2e/vectors.json.
my $old = '/300kb.jpg?token=HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4&expires=1598024587';
my $none = bunny('', '');
my $t = bunny('/a.jpg', $l);
my $params = bunny('/a.jpg', $l, 'a=1&b=2');
my $folder = bunny('/a/', $l, 'token_path=/a/');
my $segment = bunny('/a/', $l, 'token_path=/a/');
my $here = bunny('/bound/a', $l, '', qq{\x7f\0\0\x01});
my $there = bunny('/bound/a', $l, '', qq{\xc0\0\x02\x01});
my $free = bunny('/bound/a', $l);
my $loose = bunny('/a.jpg', $l, '', qq{\x7f\0\0\x01});
my $tabs = bunny('/v/12', $l, 'limit=1000', qq{\t\t\t\t});
(my $freed = $tabs) =~ s/1-//;
my $longer = bunny('/v/12', $l);
my $plain = base64url(sha256('SecurityKey/a.jpg' . $l));
my $hash = base64url(sha256('SecurityKey/hash/a' . $l));
my $message = bunny('/x?y', '');
my $wide = bunny('/a.jpg', $l, 'w=100');
"
$old                                          200 body=0|expired|b|1598024587|$none
/a.jpg?token=$t&expires=$l                    200 body=1|ok|b|$l|$none
/b.jpg?token=$t&expires=$l                    200 body=|mismatch|||$none
/a.jpg?token=$t&expires=${l}0                 200 body=|malformed|||$none
/a.jpg?a=1&token=$params&expires=$l&b=2       200 body=1|ok|b|$l|$none
/a.jpg?a=1&token=$params&expires=$l&b=3       200 body=|mismatch|||$none
/a.jpg?b=2&token=$params&expires=$l&a=1       200 body=|malformed|||$none
/a.jpg?a=%31&token=$params&expires=$l&b=2     200 body=|malformed|||$none
/a/b/c.jpg?token=$folder&expires=$l&token_path=%2Fa%2F  200 body=1|ok|b|$l|$none
/b/c.jpg?token=$folder&expires=$l&token_path=%2Fa%2F    200 body=|mismatch|||$none
/bcdn_token=$segment&expires=$l&token_path=%2Fa%2F/a/c.ts 200 body=1|ok|b|$l|$none
/a.jpg?token=$wide&expires=$l&w=100           200 body=1|ok|b|$l|$none
/a.jpg?token=$wide&expires=$l#&w=100          200 body=|malformed|||$none
/bcdn_token=$wide&expires=$l&w=100/a.jpg      200 body=|malformed|||$none
/bound/a?token=$here&expires=$l               200 body=1|ok|b|$l|
/bound/a?token=$there&expires=$l              200 body=|mismatch|||
/bound/a?token=$free&expires=$l               200 body=|malformed|||
/a.jpg?token=$loose&expires=$l                200 body=|malformed|||$none
/v/12?token=$freed&%09%09%09%09limit=1000&expires=$l 200 body=|malformed|||$none
/v/12?token=$longer&expires=$l                200 body=1|ok|b|$l|$none
/v/1?token=$longer&expires=2$l                200 body=|malformed|||$none
/v/124?token=$longer&expires=102444800        200 body=|malformed|||$none
/a.jpg?token=$plain&expires=$l                200 body=|malformed|||$none
/hash/a?token=$hash&expires=$l                200 body=1|ok|b|$l|
/a.jpg?b=2&token=$params&expires=$l&a=1&a=1   200 body=|malformed|||$none
/a.jpg?%74oken=$t%3D&expires=%${\sprintf '%02x', ord substr $l, 0, 1}${\substr $l, 1} 200 body=1|ok|b|$l|$none
/a.jpg?expires=$l                             200 body=|missing|||$none
/a.jpg?token=$t                               200 body=|malformed|||$none
"


=== TEST 6: cloudfront
--- config
    location / {
        secure_link_hash_format cloudfront;
        secure_link_hash_key id=K2 file=$TEST_NGINX_LINK_KEYS/two.pub;
        secure_link_hash_key id=K1 file=$TEST_NGINX_LINK_KEYS/one.pub;
        SHOW
    }
    location /cdn/ {
        secure_link_hash_format cloudfront origin=https://cdn.example.com;
        secure_link_hash_key file=$TEST_NGINX_LINK_KEYS/one.pub;
        SHOW
    }
    location /required/ {
        secure_link_hash_format cloudfront origin=https://$host;
        secure_link_hash_key id=K1 file=$TEST_NGINX_LINK_KEYS/one.pub;
        secure_link_hash_require on;
        alias $TEST_NGINX_HTML_DIR/;
    }
--- rows eval
my $l = LATER;
my $past = PAST;
my $link = sub {
    my ($url, $e, $key, $pair, $hash) = @_;
    return "Expires=$e&Signature=" . rsa_sign(canned($url, $e), $key || 'one', $hash || 'sha1')
        . '&Key-Pair-Id=' . ($pair || 'K1') . (($hash || '') eq 'sha256' ? '&Hash-Algorithm=SHA256' : '');
};
my $a = $link->('http://localhost/a.jpg?x=1', $l);
my $required = $link->('https://localhost/required/x', $l);
my $cdn = $link->('https://cdn.example.com/cdn/x', $l, 'one', 'ANY');
CORE::join "\n",
    "/a.jpg?x=1&$a 200 body=1|ok|K1|$l|",
    "/a.jpg?x=2&$a 200 body=|mismatch|||",
    "/b.jpg?x=1&$a 200 body=|mismatch|||",
    '/a.jpg?' . $link->('http://localhost/a.jpg', $l, 'two', 'K2', 'sha256') . " 200 body=1|ok|K2|$l|",
    '/a.jpg?' . $link->('http://localhost/a.jpg', $l, 'two', 'K1') . ' 200 body=|mismatch|||',
    '/a.jpg?' . $link->('http://localhost/a.jpg', $l, 'one', 'K3') . ' 200 body=|no_key|||',
    '/a.jpg?' . $link->('http://localhost/a.jpg', $past) . " 200 body=0|expired|K1|$past|",
    '/a.jpg?' . $link->('http://elsewhere/a.jpg', $l) . ' 200 body=|mismatch|||',
    "/cdn/x?$cdn 200 body=1|ok||$l|",
    '/g/a.jpg?' . custom('http*://localhost/g/*', $l, '') . " 200 body=1|ok|K1|$l|",
    '/h/a.jpg?' . custom('http*://localhost/g/*', $l, '') . ' 200 body=|mismatch|||',
    '/g/a.jpg?' . custom('http*://localhost/g/*', $l, ',"DateGreaterThan":{"AWS:EpochTime":4000000000}') . " 200 body=|not_yet|K1|$l|",
    '/g/a.jpg?' . custom('http*://localhost/g/*', $l, ',"IpAddress":{"AWS:SourceIp":"127.0.0.0/8"}') . " 200 body=1|ok|K1|$l|",
    '/g/a.jpg?' . custom('http*://localhost/g/*', $l, ',"IpAddress":{"AWS:SourceIp":"10.0.0.0/8"}') . ' 200 body=|mismatch|||',
    '/g/a.jpg?' . custom('http*://localhost/g/*', $l, ',"NotIpAddress":{"AWS:SourceIp":"127.0.0.0/8"}') . ' 200 body=|malformed|||',
    '/g/a.jpg?' . custom('http*://localhost/g/*","Effect":"Deny', $l, '') . ' 200 body=|malformed|||',
    '/g/a.jpg?' . custom('http*://localhost/g/*', $l, qq(},"Condition":{"DateLessThan":{"AWS:EpochTime":$l})) . ' 200 body=|malformed|||',
    '/g/a.jpg?w=1&' . custom('http*://localhost/g/*', $l, '') . " 200 body=1|ok|K1|$l|",
    '/g/a.jpg?w=1&' . custom('http*://localhost/g/*.jpg', $l, '') . ' 200 body=|mismatch|||',
    '/g/a.png?x=.jpg&' . custom('http*://localhost/g/*.jpg', $l, '') . ' 200 body=|mismatch|||',
    '/g/a.jpg?w=1&' . custom('http*://localhost/g/*?w=1', $l, '') . " 200 body=1|ok|K1|$l|",
    '/g/a.jpg?w=10&' . custom('http*://localhost/g/*?w=1', $l, '') . ' 200 body=|mismatch|||',
    "/required/x?$required 404",
    '/required/x?' . $link->('https://localhost/required/x', $past) . ' 410',
    '/required/x 403',
    '/a.jpg 200 body=|missing|||';


=== TEST 7: inheritance: a format, and what takes its place
--- http_config
    secure_link_hash_format thumbor;
    secure_link_hash_key    my-security-key;
--- config
    location / { SHOW }
    location /plain/ { secure_link_hash_format plain; secure_link_hash $arg_t; secure_link_hash_message $uri; SHOW }
    location /md5/ { secure_link_hash $arg_t; secure_link_hash_md5 $uri; SHOW }
    location /value/ { secure_link_hash $arg_t; secure_link_hash_message $uri; SHOW }
    location /secret/ { secure_link_hash_secret word; SHOW }
--- rows eval
my ($plain, $value, $md5) = (mac_token('/plain/x', 'my-security-key'), mac_token('/value/x', 'my-security-key'), md5_token('/md5/x'));
"
/TaWoUq6tvBe2HywzAULy6_Np-2k=/300x200/smart/path/to/image.jpg 200 body=1|ok|||
/plain/x?t=$plain 200 body=1|ok|||$plain
/value/x?t=$value 200 body=1|ok|||$value
/md5/x?t=$md5     200 body=1|ok|||$md5
/secret/@{[secret_link('x', 'word')]} 200 body=x|ok|||
"


=== TEST 8: what a format signs inside its path ends the link
--- config
    merge_slashes off;
    location / {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        SHOW
    }
    location ~ ^/[^/]+/filters: {
        secure_link_hash_format thumbor;
        secure_link_hash_key my-security-key;
        SHOW
    }
--- rows eval
my $i = sub { my ($path, $on_the_way) = @_; '/' . base64url(hmac_sha256("hello$path", 'secret')) . ($on_the_way || $path) };
my $t = sub { '/' . base64url(Digest::SHA::hmac_sha1($_[0], 'my-security-key')) . "/$_[0]" };
my ($l, $past) = (LATER, PAST);
CORE::join "\n",
    $i->("/exp:$past/plain/a.jpg") . " 200 body=0|expired||$past|",
    $i->("/w:1/expires:$past/aHR0cDov") . " 200 body=0|expired||$past|",
    $i->("/exp:$l/plain/a.jpg") . " 200 body=1|ok||$l|",
    $i->("/exp:$l/exp:$past/plain/a.jpg") . " 200 body=0|expired||$past|",
    $i->("/exp:$past/exp:$l/plain/a.jpg") . " 200 body=0|expired||$past|",
    $i->("/exp:soon/plain/a.jpg") . ' 200 body=|malformed|||',
    $i->('/plain/exp:1/a.jpg') . ' 200 body=1|ok|||',
    $i->("/exp:$past/plain/a.jpg", "/exp%3A$past/plain/a.jpg") . " 200 body=0|expired||$past|",
    # As a CDN normalises them.
    $i->('/w:1/plain/https://h/a.jpg', '/w%3A1/plain/https:/h/a.jpg') . ' 200 body=1|ok|||',
    $i->('/w:1/plain/local:///a.jpg', '/w:1/plain/local:/a.jpg') . ' 200 body=1|ok|||',
    $i->('/w:1/plain/https://h/a.jpg', '/w:1/plain/https:h/a.jpg') . ' 200 body=|mismatch|||',
    $t->("filters:expire(${past}000)/a.jpg") . " 200 body=0|expired||$past|",
    $t->("filters:blur(1):expire(${l}000)/a.jpg") . " 200 body=1|ok||$l|",
    $t->('filters:expire(soon)/a.jpg') . ' 200 body=|malformed|||',
    $t->('filters:blur(1)/a.jpg') . ' 200 body=1|ok|||';


=== TEST 9: required links that have expired are 410
--- config
    merge_slashes off;
    location / {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        secure_link_hash_require on;
        alias $TEST_NGINX_HTML_DIR/none/;
    }
    location ~ ^/[^/]+/filters: {
        secure_link_hash_format thumbor;
        secure_link_hash_key my-security-key;
        secure_link_hash_require on;
        root $TEST_NGINX_HTML_DIR/none;
    }
--- rows eval
my $i = sub { '/' . base64url(hmac_sha256("hello$_[0]", 'secret')) . $_[0] };
my $t = sub { '/' . base64url(Digest::SHA::hmac_sha1($_[0], 'my-security-key')) . "/$_[0]" };
my ($l, $past) = (LATER, PAST);
CORE::join "\n",
    $i->("/exp:1/plain/a.jpg") . ' 410',
    $i->("/exp:$past/plain/a.jpg") . ' 410',
    $i->("/exp:$l/plain/a.jpg") . ' 404',
    $i->("/exp:x/plain/a.jpg") . ' 403',
    $t->("filters:expire(${past}000)/a.jpg") . ' 410',
    $t->("filters:expire(${l}000)/a.jpg") . ' 404';


=== TEST 10: arguments that nobody signed, where links have to be right
--- config
    location / {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        secure_link_hash_require on;
        error_page 403 =200 /reason;
        root $TEST_NGINX_HTML_DIR/none;
    }
    location = /reason { return 200 refused; }
    location ~ ^/[^/]+/listed {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        secure_link_hash_require on;
        secure_link_hash_unsigned_args v utm_source;
        root $TEST_NGINX_HTML_DIR/none;
    }
    location ~ ^/[^/]+/any {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        secure_link_hash_require on;
        secure_link_hash_unsigned_args *;
        root $TEST_NGINX_HTML_DIR/none;
    }
    location ~ ^/[^/]+/shown {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        SHOW
    }
    location /akamai/ {
        secure_link_hash_format akamai;
        secure_link_hash_key hex:52a152a152a152a152a152a152a1;
        secure_link_hash_require on;
        root $TEST_NGINX_HTML_DIR/none;
    }
    location /bunny/ {
        secure_link_hash_format bunny;
        secure_link_hash_key SecurityKey;
        secure_link_hash_require on;
        root $TEST_NGINX_HTML_DIR/none;
    }
--- rows eval
my $i = sub { '/' . base64url(hmac_sha256("hello$_[0]", 'secret')) . $_[0] };
my $l = LATER;
my $edge = edge("exp=$l~acl=/akamai/*", '');
my $ignoring = bunny('/bunny/a', $l, 'token_ignore_params=true');
my $signing = bunny('/bunny/a', $l, 'w=1');
CORE::join "\n",
    $i->('/w:1/a') . ' 404',
    $i->('/w:1/a') . '? 404',
    $i->('/w:1/a') . '?w=5000 200 body=refused',
    $i->('/w:1/a') . '?v=1 200 body=refused',
    $i->('/listed') . '?v=1&utm_source=x&v=2 404',
    $i->('/listed') . '?v=1&w=5000 403',
    $i->('/listed') . '?%76=1 403',
    $i->('/any') . '?w=5000 404',
    $i->('/shown') . '?w=5000 200 body=1|ok|||',
    "/akamai/a?hdnts=$edge 404",
    "/akamai/a?hdnts=$edge&w=5000 403",
    "/akamai/a?w=5000&hdnts=$edge 403",
    "/bunny/a?token=$ignoring&expires=$l&token_ignore_params=true 404",
    "/bunny/a?token=$ignoring&expires=$l&token_ignore_params=true&w=1 403",
    "/bunny/a?token=$signing&expires=$l&w=1 404",
    "/bunny/a?token=$signing&expires=$l&w=2 403";


=== TEST 11: why, for arguments that nobody signed
--- config
    location / {
        secure_link_hash_format imgproxy;
        secure_link_hash_key salt=hello secret;
        secure_link_hash_require on;
        add_header X-Reason $secure_link_hash_reason always;
        add_header X-Hash "<$secure_link_hash>" always;
        root $TEST_NGINX_HTML_DIR/none;
    }
--- request eval
'GET /' . base64url(hmac_sha256('hello/w:1/a', 'secret')) . '/w:1/a?w=5000'
--- error_code: 403
--- response_headers
X-Reason: unsigned
X-Hash: <>


=== TEST 12: a limit of bunny.net's holds
--- config
    location / {
        secure_link_hash_format bunny;
        secure_link_hash_key SecurityKey;
        secure_link_hash_require on;
        add_header X-Rate $limit_rate;
        root $TEST_NGINX_HTML_DIR;
    }
--- user_files
>>> a
ok
--- request eval
my $l = LATER;
'GET /a?token=' . bunny('/a', $l, 'limit=500') . "&limit=500&expires=$l"
--- error_code: 200
--- response_headers
X-Rate: 500000


=== TEST 13: an address of IPv4 as a socket for both kinds shows it
--- config
    set_real_ip_from 127.0.0.1;
    real_ip_header X-From;
    location /bunny/ {
        secure_link_hash_format bunny ip=required;
        secure_link_hash_key SecurityKey;
        return 200 "$remote_addr|$secure_link_hash_reason";
    }
    location /akamai/ {
        secure_link_hash_format akamai;
        secure_link_hash_key hex:52a152a152a152a152a152a152a1;
        return 200 "$remote_addr|$secure_link_hash_reason";
    }
    location /cloudfront/ {
        secure_link_hash_format cloudfront;
        secure_link_hash_key file=$TEST_NGINX_LINK_KEYS/one.pub;
        return 200 "$remote_addr|$secure_link_hash_reason";
    }
--- rows eval
my $l = LATER;
my %links = (
    bunny      => 'token=' . bunny('/bunny/a', $l, '', qq{\x01\x02\x03\x04}) . "&expires=$l",
    akamai     => 'hdnts=' . edge("ip=1.2.3.4~exp=$l~acl=/*", ''),
    cloudfront => custom('http://localhost/*', $l, ',"IpAddress":{"AWS:SourceIp":"1.2.3.4/32"}'),
);
# Made for the other spelling.
my $mapped = 'hdnts=' . edge("ip=::ffff:1.2.3.4~exp=$l~acl=/*", '');
CORE::join "\n", (map {;
    "/$_/a?$links{$_} [X-From: 1.2.3.4] 200 body=1.2.3.4|ok",
    "/$_/a?$links{$_} [X-From: ::ffff:1.2.3.4] 200 body=::ffff:1.2.3.4|ok",
    "/$_/a?$links{$_} [X-From: ::ffff:1.2.3.5] 200 body=::ffff:1.2.3.5|mismatch",
    "/$_/a?$links{$_} [X-From: 2001:db8::1] 200 body=2001:db8::1|mismatch",
} sort keys %links),
    "/akamai/a?$mapped [X-From: 1.2.3.4] 200 body=1.2.3.4|ok",
    "/akamai/a?$mapped [X-From: ::ffff:1.2.3.5] 200 body=::ffff:1.2.3.5|mismatch";


=== TEST 14: google
--- config
    location / {
        secure_link_hash_format google;
        secure_link_hash_key id=old other;
        secure_link_hash_key id=my-key base64:wpLL7f4VB9RNe_WI0BBGmA==;
        SHOW
    }
    location /cdn/ {
        secure_link_hash_format google origin=https://cdn.example.com;
        secure_link_hash_key base64:wpLL7f4VB9RNe_WI0BBGmA==;
        secure_link_hash_require on;
        root $TEST_NGINX_HTML_DIR/none;
    }
--- rows eval
# As sign_url and sign_url_prefix of https://cloud.google.com/cdn/docs/using-signed-urls do it.
my $secret = MIME::Base64::decode_base64('wpLL7f4VB9RNe/WI0BBGmA==');
my $signed = sub { "$_[0]&Signature=" . base64url(Digest::SHA::hmac_sha1($_[1] // $_[0], $secret)) . '=' };
my $url = sub { my $text = $signed->("$_[0]Expires=$_[1]&KeyName=my-key"); $text =~ s{^https?://[^/]+}{}; $text };
my $prefix = sub { $signed->('URLPrefix=' . MIME::Base64::encode_base64($_[0], '') . "&Expires=$_[1]&KeyName=my-key") };
my ($l, $past) = (LATER, PAST);
my $h = 'http://localhost';
my $p = $prefix->("$h/a/", $l);
my $cdn = $prefix->('https://cdn.example.com/cdn/', $l);
CORE::join "\n",
    $url->("$h/a.jpg?", $l) . " 200 body=1|ok|my-key|$l|",
    $url->("$h/a.jpg?x=1&", $l) . " 200 body=1|ok|my-key|$l|",
    $url->("$h/a.jpg?", $past) . " 200 body=0|expired|my-key|$past|",
    $url->("$h/a.jpg?", $l) . '&x=1 200 body=|malformed|||',
    $url->('http://elsewhere/a.jpg?', $l) . ' 200 body=|mismatch|||',
    "/a/b.jpg?$p 200 body=1|ok|my-key|$l|",
    "/a/b/c.jpg?w=1&$p 200 body=1|ok|my-key|$l|",
    "/b/c.jpg?$p 200 body=|mismatch|||",
    "/a/../b/c.jpg?$p 200 body=|mismatch|||",
    "/a//c.jpg?$p 200 body=|mismatch|||",
    "/cdn/a?$cdn 404",
    "/cdn/a?$cdn&w=1 403",
    '/cdn/a 403',
    '/a.jpg 200 body=|missing|||';


=== TEST 15: cloudflare and alibaba: how old a link may be
--- config
    secure_link_hash_max_age 1h;
    location / {
        secure_link_hash_format cloudflare;
        secure_link_hash_key id=cf mysecrettoken;
        SHOW
    }
    location /ali/ {
        secure_link_hash_format alibaba;
        secure_link_hash_key id=ali aliyuncdnexp1234;
        SHOW
    }
    location /unsaid/ {
        secure_link_hash_max_age 0;
        secure_link_hash_format alibaba;
        secure_link_hash_key k;
        SHOW
    }
    location /required/ {
        secure_link_hash_format alibaba;
        secure_link_hash_key k;
        secure_link_hash_require on;
        root $TEST_NGINX_HTML_DIR/none;
    }
--- rows eval
my $mac = sub { my $tag = MIME::Base64::encode_base64(hmac_sha256("$_[0]$_[1]", 'mysecrettoken'), ''); $tag =~ s/([+\/=])/sprintf '%%%02X', ord $1/ge; "verify=$_[1]-$tag" };
my $ali = sub { my ($path, $time, $key, $middle) = @_; $middle //= '0-0'; "auth_key=$time-$middle-" . Digest::MD5::md5_hex("$path-$time-$middle-$key") };
my $now = time;
my ($old, $end) = ($now - 3700, $now + 3600);
my $e = $old + 3600;
my $r = $ali->('/required/x', $now, 'k');
CORE::join "\n",
    '/a.jpg?' . $mac->('/a.jpg', $now) . " 200 body=1|ok|cf|$end|",
    '/a.jpg?w=1&' . $mac->('/a.jpg?w=1', $now) . " 200 body=1|ok|cf|$end|",
    '/a.jpg?' . $mac->('/a.jpg', $old) . " 200 body=0|expired|cf|$e|",
    '/b.jpg?' . $mac->('/a.jpg', $now) . ' 200 body=|mismatch|||',
    '/a.jpg?' . $mac->('/a.jpg', $now) . '&w=1 200 body=|malformed|||',
    '/a.jpg 200 body=|missing|||',
    '/ali/a.jpg?' . $ali->('/ali/a.jpg', $now, 'aliyuncdnexp1234') . " 200 body=1|ok|ali|$end|",
    '/ali/a.jpg?' . $ali->('/ali/a.jpg', $now, 'aliyuncdnexp1234', '477b3bbc253f467b8def6711128c7bec-0') . " 200 body=1|ok|ali|$end|",
    '/ali/a.jpg?' . $ali->('/ali/a.jpg', $old, 'aliyuncdnexp1234') . " 200 body=0|expired|ali|$e|",
    '/ali/b.jpg?' . $ali->('/ali/a.jpg', $now, 'aliyuncdnexp1234') . ' 200 body=|mismatch|||',
    '/unsaid/a?' . $ali->('/unsaid/a', $old, 'k') . " 200 body=0|expired||$old|",
    "/required/x?$r 404",
    "/required/x?$r&w=1 403",
    '/required/x?' . $ali->('/required/x', $old, 'k') . ' 410';


=== TEST 16: keycdn and imgix
--- config
    location / {
        secure_link_hash_format imgix;
        secure_link_hash_key id=i FOO123bar;
        SHOW
    }
    location /path/ {
        secure_link_hash_format keycdn;
        secure_link_hash_key id=k securetokenkey;
        SHOW
    }
    location /required/ {
        secure_link_hash_format keycdn;
        secure_link_hash_key k;
        secure_link_hash_require on;
        root $TEST_NGINX_HTML_DIR/none;
    }
--- rows eval
my $k = sub { my ($path, $expires, $key) = @_; 'token=' . base64url(Digest::MD5::md5("$path$key$expires")) . "&expire=$expires" };
my $i = sub { my $text = shift; $text . ($text =~ /\?/ ? '&' : '?') . 's=' . Digest::MD5::md5_hex("FOO123bar$text") };
my ($l, $past) = (LATER, PAST);
my $r = $k->('/required/x', $l, 'k');
CORE::join "\n",
    '/users/1.png?w=400&h=300&s=c7b86f666a832434dd38577e38cf86d1 200 body=1|ok|i||',
    $i->('/~text?txt64=SGk&w=500') . ' 200 body=1|ok|i||',
    $i->("/a.png?expires=$l") . " 200 body=1|ok|i|$l|",
    $i->("/a.png?expires=$past") . " 200 body=0|expired|i|$past|",
    $i->('/a.png?expires=x') . ' 200 body=|malformed|||',
    $i->('/a.png') . '&w=1 200 body=|mismatch|||',
    $i->('/a.png') . '&s=1 200 body=|malformed|||',
    '/a.png 200 body=|missing|||',
    '/path/a.jpg?' . $k->('/path/a.jpg', $l, 'securetokenkey') . " 200 body=1|ok|k|$l|",
    '/path/a.jpg?' . $k->('/path/a.jpg', $past, 'securetokenkey') . " 200 body=0|expired|k|$past|",
    '/path/b.jpg?' . $k->('/path/a.jpg', $l, 'securetokenkey') . ' 200 body=|mismatch|||',
    '/path/a.jpg?' . $k->('/path/a.jpg', "0$l", 'securetokenkey') . ' 200 body=|malformed|||',
    "/required/x?$r 404",
    "/required/x?$r&w=1 403";
