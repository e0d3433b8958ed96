# access_key_quota and access_key_headers: what is refused when, and what clients are told.
# Months are long enough for the tests to stay within one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Keys qw(key_file);

my $blocks = 0;

add_block_preprocessor(sub {
    my $block = shift;
    # In memory only, and a zone of its own also where nginx is reloaded: each block begins at
    # nothing.
    my $zone = 'p' . ++$blocks;
    (my $config = $block->config) =~ s/zone=p\b/zone=$zone/g;
    $block->set_value(config => $config);
    $block->set_value(user_files => [[ keys => key_file(
        acme  => 'KEY-ACME',
        rich  => 'KEY-RICH requests=4/month',
        small => 'KEY-SMALL bytes=1k/month',
        paid  => 'KEY-PAID requests=2/total methods=GET,POST',
    ) ]]);
    $block->set_value(http_config => "access_key_zone $zone 256k;\n    access_key_file $zone $ENV{TEST_NGINX_HTML_DIR}/keys;\n"
        . ($block->http_config || ''));
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: a number of requests; a partner's own number comes first
--- config
    access_key zone=p from=arg:key;
    access_key_quota requests=2 per=month;
    add_header X-Left $access_key_remaining always;
    add_header X-Status $access_key_status always;
    location / { alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=KEY-ACME      200 X-Left=1 X-Status=valid !Retry-After !RateLimit !X-RateLimit-Limit
/text.txt?key=wrong         401 !X-Left
HEAD /text.txt?key=KEY-ACME 200 X-Left=0
/text.txt?key=KEY-ACME      429 X-Left=0 X-Status=quota Retry-After~^\d{1,7}$ line=warn:acme:quota
/text.txt?key=KEY-ACME      429 X-Left=0
/text.txt?key=KEY-RICH      200 X-Left=3
/text.txt?key=KEY-RICH      200 X-Left=2
/text.txt?key=KEY-RICH      200 X-Left=1
/text.txt?key=KEY-RICH      200 X-Left=0
/text.txt?key=KEY-RICH      429
/text.txt?key=KEY-SMALL     200 X-Left=1


=== TEST 2: bytes: let in while less than the limit was used
--- config
    access_key zone=p from=arg:key;
    location / { alias $TEST_NGINX_FIXTURES/; }
    location /limited/ { access_key_quota bytes=40k per=month; alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=KEY-SMALL                     200
/text.txt?key=KEY-SMALL                     200
/text.txt?key=KEY-SMALL                     429 Retry-After~^\d+$
/limited/photo-300x200.jpg?key=KEY-ACME     200 same=photo-300x200.jpg
/limited/photo-300x200.jpg?key=KEY-ACME     200 same=photo-300x200.jpg
/limited/photo-300x200.jpg?key=KEY-ACME     429


=== TEST 3: several limits; those of a level replace those of the level above
--- config
    access_key zone=p from=arg:key;
    access_key_quota requests=3 per=month;
    access_key_quota bytes=1g per=day;
    access_key_headers draft;
    location / { alias $TEST_NGINX_FIXTURES/; }
    location /own/ { access_key_quota requests=100 per=hour; alias $TEST_NGINX_FIXTURES/; }
    location /legacy/ { access_key_headers legacy; alias $TEST_NGINX_FIXTURES/; }
    location /off/ { access_key_headers off; alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=KEY-ACME          200 RateLimit-Policy~^"requests-month";q=3;w=2\d{6},%20"bytes-day";q=1073741824;qu="content-bytes";w=86400$ RateLimit~^"requests-month";r=2;t=\d+,%20"bytes-day";r=1073741824;t=\d+$
/legacy/text.txt?key=KEY-ACME   200 X-RateLimit-Limit=3 X-RateLimit-Remaining=1 X-RateLimit-Reset~^\d{10}$ !RateLimit
/off/text.txt?key=KEY-ACME      200 !RateLimit !RateLimit-Policy !X-RateLimit-Limit
/text.txt?key=KEY-ACME          429 RateLimit~^"requests-month";r=0; Retry-After~^\d+$
/legacy/text.txt?key=KEY-ACME   429 X-RateLimit-Remaining=0
/own/text.txt?key=KEY-ACME      200 RateLimit-Policy~^"requests-hour";q=100;w=3600$
/text.txt                       401 !RateLimit


=== TEST 4: dry run
--- config
    access_key zone=p from=arg:key;
    access_key_quota requests=1 per=month dry_run;
    add_header X-Status $access_key_status always;
    location / { alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=KEY-ACME      200 X-Status=valid
/text.txt?key=KEY-ACME      200 X-Status=quota_dry_run !Retry-After line=warn:acme:dry:run


=== TEST 5: the windows of different locations are those of the partner
--- config
    access_key zone=p from=arg:key;
    location /a/ { access_key_quota requests=1 per=month; alias $TEST_NGINX_FIXTURES/; }
    location /b/ { access_key_quota requests=2 per=month; alias $TEST_NGINX_FIXTURES/; }
--- rows
/a/text.txt?key=KEY-ACME    200
/a/text.txt?key=KEY-ACME    429
/b/text.txt?key=KEY-ACME    200
/b/text.txt?key=KEY-ACME    429


=== TEST 6: one request of a client counts once: redirects, error pages, try_files
--- config
    add_header X-Left $access_key_remaining always;
    access_key zone=p from=arg:key;
    access_key_quota requests=100 per=month;
    error_page 404 /text.txt;
    location / { alias $TEST_NGINX_FIXTURES/; }
    location /redirect/ { access_key_redirect /inside$access_key_uri; }
    location /inside/ { internal; try_files /none /text.txt; }
    location /try/ { try_files /none @named; }
    location @named { root $TEST_NGINX_FIXTURES; try_files /text.txt =404; }
    location /page/ { access_key_quota requests=1 per=month; alias $TEST_NGINX_FIXTURES/; error_page 429 /text.txt; }
--- rows
/text.txt?key=KEY-ACME      200 X-Left=99
/nothing?key=KEY-ACME       404 same=text.txt X-Left=98
/redirect/x?key=KEY-ACME    200 same=text.txt X-Left=97
/try/x?key=KEY-ACME         200 same=text.txt X-Left=96
/page/text.txt?key=KEY-ACME 429
/text.txt?key=KEY-ACME      200 X-Left=95


=== TEST 7: a window of a second ends
--- config
    access_key zone=p from=arg:key;
    access_key_quota requests=2 per=second;
    location / { alias $TEST_NGINX_FIXTURES/; }
--- script eval
sub {
    my $name = shift;
    my $c = client();
    my %seen;
    my $refused;
    for (1 .. 200) {
        my $r = $c->get('/text.txt?key=KEY-ACME');
        $seen{$r->{status}}++;
        $refused ||= $r if $r->{status} == 429;
        last if $seen{200} && $refused;
    }
    Test::More::ok($refused, "$name - refused at last");
    Test::More::is($refused->{h}{'retry-after'}, 1, "$name - for a second");
    Test::More::ok(ImageGate::wait_for(5, sub { $c->get('/text.txt?key=KEY-ACME')->{status} == 200 }),
        "$name - and let in again");
}


=== TEST 8: what is paid ahead: nothing comes back
--- config
    access_key zone=p from=arg:key;
    access_key_headers draft;
    add_header X-Left $access_key_remaining always;
    location / { alias $TEST_NGINX_FIXTURES/; }
    location /legacy/ { access_key_headers legacy; alias $TEST_NGINX_FIXTURES/; }
    location /all/ { access_key_quota requests=5 per=total; alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=KEY-PAID          200 X-Left=1 RateLimit-Policy="requests-total";q=2 RateLimit="requests-total";r=1
/legacy/text.txt?key=KEY-PAID   200 X-Left=0 X-RateLimit-Limit=2 X-RateLimit-Remaining=0 !X-RateLimit-Reset
/text.txt?key=KEY-PAID          429 X-Left=0 !Retry-After RateLimit="requests-total";r=0 line=warn:paid:quota
/all/text.txt?key=KEY-PAID      429
/all/text.txt?key=KEY-ACME      200 X-Left=4


=== TEST 9: methods of a key
--- config
    access_key zone=p from=arg:key;
    add_header X-Status $access_key_status always;
    add_header X-Left $access_key_remaining always;
    location / { alias $TEST_NGINX_FIXTURES/; }
    location /own/ { access_key_errors forbidden=405; alias $TEST_NGINX_FIXTURES/; }
--- rows
DELETE /text.txt?key=KEY-PAID       403 X-Status=forbidden X-Left=2 !Allow line=info:paid:request
DELETE /own/text.txt?key=KEY-PAID   405 X-Status=forbidden
HEAD /text.txt?key=KEY-PAID         200 X-Status=valid X-Left=1
POST /text.txt?key=KEY-PAID         405 X-Status=valid X-Left=0
DELETE /text.txt?key=KEY-ACME       405 X-Status=valid
