# docs/signing: each language's links are taken by nginx and by image-gate verify, and refused
# once anything in them is changed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Links;

# How each language's file is called.
sub signers {
    return [qw(python3 sign.py)], [qw(node sign.js)], [qw(perl sign.pl)], [qw(sh sign.sh)],
        [qw(php sign.php)], [qw(ruby sign.rb)], [qw(go run sign.go)];
}

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: every language
--- config
    location / {
        secure_link_hash_key     "a secret";
        secure_link_hash         $arg_token,$arg_expires;
        secure_link_hash_message "$uri|$secure_link_hash_expires";
        secure_link_hash_require on;
        location /md5/ {
            secure_link_hash         $arg_md5,$arg_expires;
            secure_link_hash_md5     "$secure_link_hash_expires$uri a secret";
            alias $TEST_NGINX_HTML_DIR/;
        }
        location /hmac/ {
            alias $TEST_NGINX_HTML_DIR/;
        }
    }
--- user_files eval
[[ "a b\xc3\xa9.txt" => 'paid' ], [ 'other.txt' => 'other' ]]
--- script eval
sub {
    my $name = shift;
    local $ENV{LINK_KEY} = 'a secret';
    my $folder = "$FindBin::Bin/../docs/signing";
    my $tool = "$ENV{TEST_NGINX_IMAGE_GATE_BUILD}/image-gate";
    my %verify = (md5 => [ '--format', 'md5' ], hmac => []);
    for (main::signers()) {
        my @command = @$_;
        my $script = $command[-1];
        my $is_there = grep { -x "$_/$command[0]" } split /:/, $ENV{PATH};
        SKIP: {
            Test::More::skip("$name: $script: no $command[0] on this machine", 1) if !$is_there;
            $command[-1] = "$folder/$script";
            for my $kind (qw(md5 hmac)) {
                my $links = sub {
                    my ($path, $expires) = @_;
                    open my $out, '-|', @command, $path, $expires or die "$command[0]: $!";
                    my @links = <$out>;
                    close $out;
                    CORE::chomp @links;
                    Test::More::is(scalar @links, 2, "$name: $script: two links");
                    return $links[ $kind eq 'md5' ? 0 : 1 ];
                };
                my $check = sub {
                    my ($link, $status, $verdict, $what) = @_;
                    Test::More::is(client()->get($link)->{status}, $status, "$name: $script: $kind: $what");
                    my $said = qx('$tool' verify @{[map { "'$_'" } @{ $verify{$kind} }]} --key env=LINK_KEY '$link' 2>&1);
                    Test::More::like($said, $verdict, "$name: $script: $kind: $what, to image-gate verify");
                };
                my $good = $links->("/$kind/a b\xc3\xa9.txt", LATER);
                $check->($good, 200, qr/^ok: expires at 2100-01-01T00:00:00Z/, 'a good link');
                my $expired = $links->("/$kind/a b\xc3\xa9.txt", PAST);
                $check->($expired, 410, qr/^image-gate: expired: at 2017-07-14T02:40:00Z/, 'an expired one');
                my $other = $links->("/$kind/other.txt", LATER);
                my ($query) = $other =~ /(\?.*)/;
                $check->($good =~ s/\?.*/$query/r, 403, qr/^image-gate: mismatch: /, 'the token of another path');
                $check->($good =~ s/expires=@{[LATER]}/"expires=" . (LATER() + 1)/er, 403,
                    qr/^image-gate: mismatch: /, 'a longer life');
                $check->($good =~ s/\?.*//r, 403, qr/^image-gate: missing: /, 'no token');
            }
        }
    }
}


=== TEST 2: every language, with keys that are written in hexadecimal and base64
--- config
    secure_link_hash         $arg_token,$arg_expires;
    secure_link_hash_message "$uri|$secure_link_hash_expires";
    secure_link_hash_require on;
    location /hex/    { secure_link_hash_key hex:00fF7f0a; alias $TEST_NGINX_HTML_DIR/; }
    location /base64/ { secure_link_hash_key base64:AP9/Cg==; alias $TEST_NGINX_HTML_DIR/; }
    location /url/    { secure_link_hash_key base64:AP9_Cg; alias $TEST_NGINX_HTML_DIR/; }
    location /md5/ {
        secure_link_hash     $arg_md5,$arg_expires;
        secure_link_hash_md5 "$secure_link_hash_expires$uri a secret";
        alias $TEST_NGINX_HTML_DIR/;
    }
--- user_files eval
[[ 'a.txt' => 'paid' ]]
--- script eval
sub {
    my $name = shift;
    my $tool = "$ENV{TEST_NGINX_IMAGE_GATE_BUILD}/image-gate";
    for (main::signers()) {
        my @command = @$_;
        my $script = $command[-1];
        my $is_there = grep { -x "$_/$command[0]" } split /:/, $ENV{PATH};
        SKIP: {
            Test::More::skip("$name: $script: no $command[0] on this machine", 1) if !$is_there;
            $command[-1] = "$FindBin::Bin/../docs/signing/$script";
            for (
                [ hex => 'hex:00fF7f0a' ], [ base64 => 'base64:AP9/Cg==' ], [ url => 'base64:AP9_Cg' ],
                [ md5 => 'hex:6120736563726574' ], [ md5 => 'base64:YSBzZWNyZXQ' ],
            ) {
                my ($folder, $key) = @$_;
                local $ENV{LINK_KEY} = $key;
                open my $out, '-|', @command, "/$folder/a.txt", LATER or die "$command[0]: $!";
                CORE::chomp(my @links = <$out>);
                close $out;
                my $link = $links[ $folder eq 'md5' ? 0 : 1 ] // '';
                my $r = client()->get($link);
                Test::More::is("$r->{status} $r->{body}", '200 paid', "$name: $script: $key");
                my $options = $folder eq 'md5' ? '--format md5' : '';
                my $said = qx('$tool' verify $options --key env=LINK_KEY '$link' 2>&1);
                Test::More::like($said, qr/^ok: /, "$name: $script: $key, to image-gate verify");
            }
            for my $key ('hex:', 'hex:zz', 'hex:123', 'base64:', 'base64:?') {
                local $ENV{LINK_KEY} = $key;
                open my $out, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', @command, '/hex/a.txt', LATER
                    or die "$command[0]: $!";
                my @links = <$out>;
                close $out;
                Test::More::is("@links", '', "$name: $script: $key makes no link");
            }
        }
    }
}


=== TEST 3: image-gate sign, in every format
--- user_files eval
[[ 'f.txt' => 'served' ]]
--- config eval
my $keys = "$FindBin::Bin/../core/tests/fixtures";
my $html = '$TEST_NGINX_HTML_DIR';
CORE::join '', "root $html; secure_link_hash_require on;\n", map {
    my ($place, $lines) = @$_;
    "location $place { $lines try_files /f.txt =404; }\n"
} (
    [ '/plain/', 'secure_link_hash $arg_token,$arg_expires; secure_link_hash_key id=a secret;
        secure_link_hash_message "$uri|$secure_link_hash_expires";' ],
    [ '/long/', 'secure_link_hash $arg_t,$arg_e; secure_link_hash_key secret; secure_link_hash_algorithm hmac-sha512;
        secure_link_hash_encoding hex; secure_link_hash_message "$uri|$arg_w|$remote_addr|$secure_link_hash_expires";' ],
    [ '/address/', 'secure_link_hash $arg_token,$arg_expires; secure_link_hash_key secret;
        secure_link_hash_message "$secure_link_hash_request_uri|$secure_link_hash_expires";' ],
    [ '/short/', 'secure_link_hash $arg_token,$arg_expires; secure_link_hash_key secret;
        secure_link_hash_encoding base64url min=16; secure_link_hash_message "$uri|$secure_link_hash_expires";' ],
    [ '/folder/', 'secure_link_hash $arg_token,$arg_expires; secure_link_hash_key secret;
        secure_link_hash_prefix on; secure_link_hash_message $secure_link_hash_expires;' ],
    [ '/md5/', 'secure_link_hash $arg_md5,$arg_expires; secure_link_hash_md5 "$secure_link_hash_expires$uri secret";' ],
    [ '/secret/', 'secure_link_hash_secret secret;' ],
    [ '~ ^/[^/]+/imgproxy/', 'secure_link_hash_format imgproxy; secure_link_hash_key salt=hex:68656c6c6f secret;' ],
    [ '~ ^/[^/]+/thumbor/', 'secure_link_hash_format thumbor; secure_link_hash_key secret;' ],
    [ '/akamai/', 'secure_link_hash_format akamai; secure_link_hash_key secret;' ],
    [ '/bunny/', 'secure_link_hash_format bunny; secure_link_hash_key secret;' ],
    [ '/bound/', 'secure_link_hash_format bunny ip=required; secure_link_hash_key secret;' ],
    [ '/google/', 'secure_link_hash_format google origin=https://h.example; secure_link_hash_key id=g secret;' ],
    [ '/cloudflare/', 'secure_link_hash_format cloudflare; secure_link_hash_max_age 1h; secure_link_hash_key secret;' ],
    [ '/alibaba/', 'secure_link_hash_format alibaba; secure_link_hash_max_age 1h; secure_link_hash_key secret;' ],
    [ '/keycdn/', 'secure_link_hash_format keycdn; secure_link_hash_key secret;' ],
    [ '/imgix/', 'secure_link_hash_format imgix; secure_link_hash_key secret;' ],
    [ '/cloudfront/', "secure_link_hash_format cloudfront origin=https://h.example; secure_link_hash_key file=$keys/pair.pub;" ],
)
--- script eval
sub {
    my $name = shift;
    local $ENV{LINK_KEY} = 'secret';
    my $tool = "$ENV{TEST_NGINX_IMAGE_GATE_BUILD}/image-gate";
    my $pair = "$FindBin::Bin/../core/tests/fixtures/pair.pem";
    my @until = ('--expires', LATER);
    for (
        [ '/plain/a%20b', '--key', 'id=a env=LINK_KEY', @until ],
        [ '/long/a?w=1', qw(--key env=LINK_KEY --algorithm hmac-sha512 --encoding hex --address 127.0.0.1 --value),
            '$arg_t,$arg_e', '--message', '$uri|$arg_w|$remote_addr|$secure_link_hash_expires', @until ],
        [ '/address/a%2fb?x=1&y', qw(--key env=LINK_KEY --message), '$secure_link_hash_request_uri|$secure_link_hash_expires', @until ],
        [ '/short/a', qw(--key env=LINK_KEY --bytes 16), @until ],
        [ '/folder/a', qw(--key env=LINK_KEY --prefix /folder/), @until ],
        [ '/md5/a', qw(--format md5 --key env=LINK_KEY), @until ],
        [ '/secret/a', qw(--format secret --key env=LINK_KEY) ],
        [ '/imgproxy/a', qw(--format imgproxy --key), 'salt=hello env=LINK_KEY' ],
        [ '/thumbor/a', qw(--format thumbor --key env=LINK_KEY) ],
        [ '/akamai/a', qw(--format akamai --key env=LINK_KEY), @until ],
        [ '/akamai/a', qw(--format akamai --key env=LINK_KEY --prefix /akamai/ --address 127.0.0.1), @until ],
        [ '/bunny/a?y=1,2&x=1', qw(--format bunny --key env=LINK_KEY), @until ],
        [ '/bunny/a', qw(--format bunny --key env=LINK_KEY --prefix /bunny/), @until ],
        [ '/bound/a', qw(--format bunny --key env=LINK_KEY --prefix /bound/ --address 127.0.0.1), @until ],
        [ '/bound/a?x=1', qw(--format bunny --key env=LINK_KEY --address ::ffff:127.0.0.1), @until ],
        [ 'https://h.example/google/a?x=1', qw(--format google --key), 'id=g env=LINK_KEY', @until ],
        [ 'https://h.example/google/a', qw(--format google --prefix /google/ --key), 'id=g env=LINK_KEY', @until ],
        [ '/cloudflare/a?x=1', qw(--format cloudflare --key env=LINK_KEY) ],
        [ '/cloudflare/a', qw(--format cloudflare --key env=LINK_KEY) ],
        [ '/alibaba/a', qw(--format alibaba --key env=LINK_KEY) ],
        [ '/keycdn/a', qw(--format keycdn --key env=LINK_KEY), @until ],
        [ '/imgix/a?x=1', qw(--format imgix --key env=LINK_KEY), @until ],
        [ '/imgix/a', qw(--format imgix --key env=LINK_KEY) ],
        [ 'https://h.example/cloudfront/a?x=1', qw(--format cloudfront --key), "id=K1 file=$pair", @until ],
        [ 'https://h.example/cloudfront/a', qw(--format cloudfront --prefix /cloudfront/ --address 127.0.0.1 --key),
            "id=K1 file=$pair", @until ],
    ) {
        my ($plain, @options) = @$_;
        open my $out, '-|', $tool, 'sign', @options, $plain or die "$tool: $!";
        CORE::chomp(my $link = <$out> // '');
        close $out;
        $_ =~ s{^https://h\.example}{} for $plain, $link;
        my $r = client()->get($link);
        Test::More::is("$r->{status} $r->{body}", '200 served', "$name: $link");
        Test::More::is(client()->get($plain)->{status}, 403, "$name: $plain without a token");
        # One character of what was signed, or of the signature.
        (my $other = $link) =~ s{(?<=/)a(?=$|[?%])}{z} or die $link;
        my $expected = "@options" =~ /--prefix/ ? 200 : 403;
        Test::More::is(client()->get($other)->{status}, $expected, "$name: $other");
        (my $moved = $link) =~ s{/(\w+)/(?=a(?:$|[?%]))}{/$1/../x/}
            or Test::More::fail("$name: $link has no folder");
        Test::More::isnt(client()->get($moved)->{status}, 200, "$name: $moved");
    }
}


=== TEST 4: image-gate sign makes a link of what is none yet
--- user_files eval
[[ 'f.txt' => 'served' ]]
--- config
    root $TEST_NGINX_HTML_DIR;
    secure_link_hash_require on;
    location /plain/  { secure_link_hash $arg_token,$arg_expires; secure_link_hash_key secret;
        secure_link_hash_message "$uri|$arg_x|$secure_link_hash_expires"; try_files /f.txt =404; }
    location /md5/    { secure_link_hash $arg_md5,$arg_expires; secure_link_hash_md5 "$secure_link_hash_expires$uri secret"; try_files /f.txt =404; }
    location /secret/ { secure_link_hash_secret secret; try_files /f.txt =404; }
    location /akamai/ { secure_link_hash_format akamai; secure_link_hash_key secret; try_files /f.txt =404; }
    location /bunny/  { secure_link_hash_format bunny; secure_link_hash_key secret; try_files /f.txt =404; }
    location ~ ^/[^/]+/imgproxy/ { secure_link_hash_format imgproxy; secure_link_hash_key secret; try_files /f.txt =404; }
    location ~ ^/[^/]+/thumbor/  { secure_link_hash_format thumbor; secure_link_hash_key secret; try_files /f.txt =404; }
--- script eval
sub {
    my $name = shift;
    local $ENV{LINK_KEY} = 'secret';
    my $tool = "$ENV{TEST_NGINX_IMAGE_GATE_BUILD}/image-gate";
    my @until = ('--expires', LATER);
    my %options = (
        plain    => [ @until, '--message', '$uri|$arg_x|$secure_link_hash_expires' ],
        md5      => [ '--format', 'md5', @until ],
        secret   => [qw(--format secret)],
        akamai   => [ qw(--format akamai), @until ],
        bunny    => [ qw(--format bunny), @until ],
        imgproxy => [qw(--format imgproxy)],
        thumbor  => [qw(--format thumbor)],
    );
    my @paths = ('a', 'a b', "\xc3\xa9", 'a%20b', 'a+b', "'(a)!", 'a"<>\\^`{|}', 'a%23b', 'a%3Fb', 'a:b', 'a;b', '~', '*', 'a/./b');
    my @arguments = ('', '?', '?x=1', '?x=a b', '?x=1?2', '?x=%', '?x', '?x=1&x=2', '?x=&&', "?x=\xc3\xa9", '?token', '?md5', '?Expires=1', '?x#y');
    for my $format (sort keys %options) {
        my $made = 0;
        for my $path (@paths) {
            for my $arguments ($path eq 'a' ? @arguments : '') {
                my $plain = "/$format/$path$arguments";
                open my $out, '-|', 'sh', '-c', 'exec "$0" sign --key env=LINK_KEY "$@" 2>/dev/null',
                    $tool, @{ $options{$format} }, $plain or die "$tool: $!";
                CORE::chomp(my $link = <$out> // '');
                close $out;
                # Refused: no link was printed.
                next if $link eq '';
                $made++;
                Test::More::is(client()->get($link)->{status}, 200, "$name: $link");
            }
        }
        Test::More::cmp_ok($made, '>', 10, "$name: $format: links were made");
    }
}
