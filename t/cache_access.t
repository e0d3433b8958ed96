# image_resize_cache: what decides who gets a picture decides so for one that is kept, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use JSON::PP ();
use Test::More;

use ImageGate::Cache;
use ImageGate::H2;
use ImageGate::Keys qw(key_file);
use ImageGate::Links;
use ImageGate::Server qw(free_port);

needs_cache();

my $built = `$ENV{TEST_NGINX_BINARY} -V 2>&1`;
my $photo = '/photo-300x200.jpg';

# A folder with the keys of two partners, for as long as it is held.
sub folder_of_keys {
    my $folder = File::Temp->newdir;
    chmod 0755, $folder;
    open my $out, '>', "$folder/keys" or die $!;
    print $out key_file(acme => 'KEY-ACME-ONE', beta => 'KEY-BETA-ONE');
    close $out;
    return $folder;
}

sub link_of {
    my ($path, $expires, $secret) = @_;
    return "$path?token=" . mac_token("$path|$expires", $secret || 'secret') . "&expires=$expires";
}

{
    my $name = 'links';
    my $guard = 'secure_link_hash $arg_token,$arg_expires; secure_link_hash_message "$uri|$secure_link_hash_expires";
        secure_link_hash_key secret; secure_link_hash_require on; secure_link_hash_strip token expires;';
    my $s = origin_server("location / { $guard image_resize resize 100 -; ORIGIN; }
        location /file/ { $guard image_resize resize 100 -; alias files/; }", origin => 'location / { add_header Cache-Control max-age=60; }');
    my $c = $s->client;
    for my $path ($photo, "/file$photo") {
        is_answer("$name - $path - none before it is made", $c->get($path), 403, undef);
        is_answer("$name - $path - made", $c->get(link_of($path, LATER)), 200, 'MISS');
        is_answer("$name - $path - kept", $c->get(link_of($path, LATER)), 200, 'HIT');
        is_answer("$name - $path - by another link", $c->get(link_of($path, LATER - 1)), 200, 'HIT');
        is_answer("$name - $path - none", $c->get($path), 403, undef);
        is_answer("$name - $path - forged", $c->get(link_of($path, LATER, 'guess')), 403, undef);
        is_answer("$name - $path - expired", $c->get(link_of($path, PAST)), 410, undef);
        my $tag = $c->get(link_of($path, LATER))->{h}{etag};
        is_answer("$name - $path - not modified", $c->get(link_of($path, LATER), 'If-None-Match' => $tag), 304, 'HIT');
        is_answer("$name - $path - not modified without a link", $c->get($path, 'If-None-Match' => $tag), 403, undef);
    }
    is_made($s, 2, "$name - two were made");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'keys';
    my $folder = folder_of_keys();
    my $s = origin_server("location / { access_key zone=partners from=header:X-Api-Key|arg:key; access_key_quota requests=6 per=day;
            image_resize resize 100 -; alias files/; }
        location /handed/ { access_key zone=partners from=header:X-Api-Key; access_key_redirect /inside\$access_key_uri; }
        location /inside/handed/ { internal; image_resize resize 60 -; alias files/; }
        location = /partners { access_key_status json; }",
        http => "access_key_zone partners 256k; access_key_file partners $folder/keys;");
    my $c = $s->client;
    my $acme = sub { $c->get($_[0], 'X-Api-Key' => 'KEY-ACME-ONE') };
    my $bytes = 0;
    my $take = sub { my ($what, $r, @expected) = @_; is_answer("$name - $what", $r, @expected); $bytes += length $r->{body} };
    is_answer("$name - none", $c->get($photo), 401, undef);
    $take->('made', $acme->($photo), 200, 'MISS');
    $take->('kept', $acme->($photo), 200, 'HIT');
    $take->('in an argument', $c->get("$photo?key=KEY-ACME-ONE"), 200, 'HIT');
    my $before = $bytes;
    is_answer("$name - of another partner", $c->get($photo, 'X-Api-Key' => 'KEY-BETA-ONE'), 200, 'HIT');
    is_answer("$name - wrong", $c->get($photo, 'X-Api-Key' => 'KEY-GUESS-ONE'), 401, undef);
    is_answer("$name - none, though it is kept", $c->get($photo), 401, undef);
    $take->('handed over', $acme->("/handed$photo"), 200, 'MISS');
    $take->('handed over again', $acme->("/handed$photo"), 200, 'HIT');
    $take->('the last of the quota', $acme->($photo), 200, 'HIT');
    is_answer("$name - the quota is used up", $acme->($photo), 429, undef);
    my $zone = JSON::PP::decode_json($c->get('/partners')->{body})->{zones}[0];
    my ($partner) = grep { $_->{id} eq 'acme' } @{ $zone->{partners} };
    is($partner->{requests} - $partner->{refused}, 6, "$name - hits are counted");
    cmp_ok($partner->{bytes_sent}, '>', $bytes, "$name - and their bytes");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = "a partner's numbers";
    my $folder = folder_of_keys();
    my $key = 'access_key zone=partners from=header:X-Api-Key; access_key_quota requests=1000 per=day;';
    my $kept = 'image_resize resize 100 -; image_resize_cache_key $name;';
    my $s = origin_server("location ~ ^/key/(?<name>.+) { $key access_key_headers draft; $kept alias files/\$name; }
        location ~ ^/key-up/(?<name>.+) { $key access_key_headers legacy; $kept image_resize_jpeg_quality 60; rewrite ^ /\$name break; ORIGIN; }
        location ~ ^/open/(?<name>.+) { $kept alias files/\$name; }
        location ~ ^/open-up/(?<name>.+) { $kept image_resize_jpeg_quality 60; rewrite ^ /\$name break; ORIGIN; }",
        http => "access_key_zone partners 256k; access_key_file partners $folder/keys;",
        origin => 'location / { add_header Cache-Control max-age=60; add_header X-Of-The-Source yes; }');
    my $c = $s->client;
    for my $at ('', '-up') {
        my @left;
        for (['ACME', 'MISS'], ['ACME', 'HIT'], ['BETA', 'HIT']) {
            my ($who, $status) = @$_;
            my $r = $c->get("/key$at$photo", 'X-Api-Key' => "KEY-$who-ONE");
            is_answer("$name - '$at' - $who, $status", $r, 200, $status);
            push @left, $at ? $r->{h}{'x-ratelimit-remaining'} : $r->{h}{ratelimit} =~ /^[^,]*;r=(\d+)[^,]*$/;
        }
        my $used = $at ? 2 : 0;
        is("@left", join(' ', 999 - $used, 998 - $used, 999 - $used / 2), "$name - '$at' - each has its own");
        my $r = $c->get("/open$at$photo");
        is_answer("$name - '$at' - without a key", $r, 200, 'HIT');
        is(join(' ', grep { /ratelimit/ } sort keys %{ $r->{h} }), '', "$name - '$at' - nobody's numbers");
    }
    is($c->get("/open-up$photo")->{h}{'x-of-the-source'}, 'yes', "$name - those of the source stay");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'X-Accel-Redirect';
    my $s = origin_server("location /app/ { proxy_set_header X-User \$http_x_user; ORIGIN; }
        location /inside/ { internal; image_resize resize 100 -; image_resize_cache_key \$uri; alias files/; }
        location /inside-up/ { internal; image_resize resize 100 -; rewrite ^/inside-up(/.*) \$1 break; ORIGIN; }
        location /inside-old/ { internal; image_resize resize 101 -; image_resize_cache_use_stale http_500; rewrite ^/inside-old(/.*) /old\$1 break; ORIGIN; }",
        origin => 'location ~ ^/app(/.*)$ {
                add_header X-Accel-Redirect $1;
                add_header Content-Disposition "attachment; filename=$http_x_user.jpg";
                add_header Content-Language $http_x_user;
                add_header Cache-Control "private, max-age=$http_x_user";
                add_header Expires $http_x_user;
                return 200 "";
            }
            location /old/ {
                if ($http_x_fail) { return 500; }
                add_header Cache-Control max-age=1;
                alias files/;
            }
            location / { add_header Cache-Control max-age=60; }');
    my $c = $s->client;
    # Headers of an answer that stands in for what came first, or is renewed by that.
    for (['1', 'MISS'], ['2', 'REVALIDATED'], ['3', 'STALE']) {
        my ($user, $status) = @$_;
        sleep 2 if $user > 1;
        my $r = $c->get("/app/inside-old$photo", 'X-User' => $user, $status eq 'STALE' ? ('X-Fail' => 1) : ());
        is_answer("$name - $status", $r, 200, $status);
        is($r->{h}{'content-disposition'}, "attachment; filename=$user.jpg", "$name - $status - what is said of this answer");
        like($r->{h}{'cache-control'}, qr/^private, max-age=$user(, max-age=1)?$/, "$name - $status - once");
        is($r->{h}{expires}, $user, "$name - $status - neither is this another's");
    }
    for my $at ("/app/inside$photo", "/app/inside-up$photo") {
        for (['1', 'MISS'], ['2', 'HIT']) {
            my ($user, $status) = @$_;
            my $r = $c->get($at, 'X-User' => $user);
            is_answer("$name - $at - $user", $r, 200, $status);
            is($r->{h}{'content-disposition'}, "attachment; filename=$user.jpg", "$name - $at - $user - what is said of this answer");
            like($r->{h}{'cache-control'}, qr/^private, max-age=$user(, max-age=60)?$/, "$name - $at - $user - once");
            is($r->{h}{expires}, $user, "$name - $at - $user - neither is this another's");
        }
    }
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

SKIP: {
    my $name = 'auth_request and satisfy';
    skip 'this nginx is built without auth_request', 1 if $built !~ /auth_request/;
    my $s = origin_server('location / { auth_request /auth; image_resize resize 100 -; alias files/; }
        location /any/ { satisfy any; deny all; auth_request /auth; image_resize resize 101 -; alias files/; }
        location /all/ { satisfy all; allow all; auth_request /auth; image_resize resize 102 -; alias files/; }
        location = /auth { internal; if ($http_x_who = guest) { return 403; } return 204; }');
    my $c = $s->client;
    for my $at ('', '/any', '/all') {
        is_answer("$name - '$at' - made", $c->get("$at$photo"), 200, 'MISS');
        is_answer("$name - '$at' - kept", $c->get("$at$photo"), 200, 'HIT');
        is_answer("$name - '$at' - refused", $c->get("$at$photo", 'X-Who' => 'guest'), 403, undef);
    }
    is_made($s, 3, "$name - three were made");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

{
    my $name = 'limit_req';
    my $s = origin_server('location / { limit_req zone=few burst=1 nodelay; limit_req_status 429; image_resize resize 100 -; alias files/; }',
        http => 'limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m;');
    my $c = $s->client;
    is_answer("$name - made", $c->get($photo), 200, 'MISS');
    is_answer("$name - kept", $c->get($photo), 200, 'HIT');
    is_answer("$name - too many", $c->get($photo), 429, undef);
}

SKIP: {
    my $name = 'HTTP/2';
    skip 'this nginx is built without HTTP/2', 1 if $built !~ /http_v2/;
    my $port = free_port();
    my $s = origin_server('location / { image_resize resize 100 -; image_resize_cache_use_stale updating; image_resize_cache_background_update on; ORIGIN; }',
        listen => "; listen 127.0.0.1:$port http2", origin => 'location / { add_header Cache-Control max-age=1; }');
    my $get = sub {
        my $h2 = ImageGate::H2->new(port => $port);
        my @ids = map { $h2->send('GET', $photo) } 1 .. $_[0];
        my @answers = map { $h2->recv($_) } @ids;
        return @answers;
    };
    my ($made) = $get->(1);
    is($made->{status}, 200, "$name - made");
    my @several = $get->(20);
    is(scalar(grep { $_->{status} == 200 && $_->{body} eq $made->{body} } @several), 20, "$name - streams of one connection");
    is_made($s, 1, "$name - one was made");
    sleep 2;
    @several = $get->(20);
    is(scalar(grep { $_->{status} == 200 && $_->{body} eq $made->{body} } @several), 20, "$name - old ones");
    $s->wait(3, sub { asked($s) > 1 });
    is(scalar(asked($s)), 2, "$name - one asks anew beside them");
    is_made($s, 1, "$name - and is told that it is the same");
    my $counted = lookups($s);
    cmp_ok($counted->{hit}, '>=', 20, "$name - hits");
    cmp_ok($counted->{stale} + $counted->{updating}, '>=', 1, "$name - old ones went out");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

done_testing();
