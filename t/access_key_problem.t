# Refusals as application/problem+json: who gets them, what they say, and that error_page, HEAD, "satisfy any" and
# image_resize are what they were.

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
    my $zone = 'p' . ++$blocks;
    (my $config = $block->config) =~ s/zone=p\b/zone=$zone/g;
    $block->set_value(config => $config);
    $block->set_value(user_files => [
        [ keys => key_file(
            acme => 'KEY-ACME requests=1/month bytes=1/month',
            many => 'KEY-MANY requests=1/month requests=1/total requests=9/day bytes=1t/day',
            paid => 'KEY-PAID requests=1/total',
            off  => 'KEY-OFF disabled',
            old  => 'KEY-OLD not_after=2020-01-01',
            here => 'KEY-HERE paths=/elsewhere/ methods=GET',
        ) ],
        [ 'sorry.html' => 'sorry' ],
    ]);
    $block->set_value(http_config => "access_key_zone $zone 256k;\n    access_key_file $zone $ENV{TEST_NGINX_HTML_DIR}/keys;\n");
});

repeat_each(1);
plan('no_plan');
run_tests();

__DATA__

=== TEST 1: who gets a document, and who nginx's page
--- config
    location / { access_key zone=p from=arg:key; alias $TEST_NGINX_FIXTURES/; }
    location /typed/ { access_key zone=p from=header:Authorization; default_type image/jpeg; alias $TEST_NGINX_FIXTURES/; }
    location /pictures/ { access_key zone=p from=arg:key; image_resize resize 10 10; image_resize_on_error original; alias $TEST_NGINX_FIXTURES/; }
    location /zipped/ { access_key zone=p from=arg:key; gzip on; gzip_types *; gzip_min_length 1; alias $TEST_NGINX_FIXTURES/; }
    location /varied/ { access_key zone=p from=arg:key; add_header Cache-Control no-store always; alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt                                                           401 Vary=Accept Content-Type=text/html
/text.txt [Accept: */*]                                             401 Vary=Accept Content-Type=text/html
/text.txt [Accept: text/html,application/xhtml+xml,*/*;q=0.8]       401 Vary=Accept Content-Type=text/html
/text.txt [Accept: image/avif,image/webp,*/*;q=0.8]                 401 Vary=Accept Content-Type=text/html
/text.txt [Accept: application/problem+json]                        401 Vary=Accept Content-Type=application/problem+json body={"title":"Unauthorized","status":401,"detail":"There%20is%20no%20key%20in%20this%20request."}
/text.txt [Accept: application/json]                                401 Vary=Accept Content-Type=application/problem+json again keepalive
/text.txt [Accept: application/json, text/plain, */*]               401 Content-Type=application/problem+json again
/text.txt [Accept: application/json;q=0.1, text/html]               401 Content-Type=text/html
HEAD /text.txt [Accept: application/json]                           401 Vary=Accept Content-Type=application/problem+json empty Content-Length=81
HEAD /text.txt                                                      401 Vary=Accept Content-Type=text/html empty
/typed/text.txt [Accept: application/json]                          401 Content-Type=application/problem+json WWW-Authenticate~^Bearer
/pictures/quad-100x120.png [Accept: application/json]               401 Content-Type=application/problem+json Content-Length=81
/pictures/quad-100x120.png [Accept: image/png]                      401 Content-Type=text/html
/varied/text.txt [Accept: application/json]                         401 Content-Type=application/problem+json Cache-Control=no-store
/zipped/text.txt [Accept: application/json] [Accept-Encoding: gzip] 401 Content-Type=application/problem+json
/text.txt?key=KEY-PAID [Accept: application/json]                   200 !Vary same=text.txt
/none.txt?key=KEY-MANY [Accept: application/json]                   404 !Vary Content-Type=text/html


=== TEST 2: what it says: nothing of whether a key was ever good
--- config
    access_key_errors disabled=410;
    location / { access_key zone=p from=arg:key|header:X-Key; alias $TEST_NGINX_FIXTURES/; }
    location /as-others/ { access_key_errors forbidden=418; access_key zone=p from=arg:key|header:X-Key; alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=NOBODYS [Accept: application/json]               401 body={"title":"Unauthorized","status":401,"detail":"The%20key%20is%20not%20valid."}
/as-others/text.txt?key=KEY-OFF [Accept: application/json]     401 again
/as-others/text.txt?key=KEY-OLD [Accept: application/json]     401 again
/text.txt?key=KEY-OFF [Accept: application/json]               410 body={"title":"Gone","status":410,"detail":"The%20key%20is%20not%20valid."}
/text.txt?key=KEY-OLD [Accept: application/json]               410 again
/text.txt?key=A&key=B [Accept: application/json]               400 body={"title":"Bad%20Request","status":400,"detail":"There%20is%20more%20than%20one%20key%20in%20this%20request."}
/text.txt?key=KEY-HERE [Accept: application/json]              403 body={"title":"Forbidden","status":403,"detail":"The%20key%20is%20not%20for%20this%20request."}
POST /elsewhere/x?key=KEY-HERE [Accept: application/json]      403 again
/as-others/text.txt?key=KEY-HERE [Accept: application/json]    418 body={"status":418,"detail":"The%20key%20is%20not%20for%20this%20request."}


=== TEST 3: which quotas are used up; what is paid ahead has no Retry-After
--- config
    access_key zone=p from=arg:key;
    access_key_headers draft;
    location / { alias $TEST_NGINX_FIXTURES/; }
--- rows
/text.txt?key=KEY-ACME                                         200
/text.txt?key=KEY-ACME [Accept: application/json]              429 Retry-After~^\d+$ RateLimit~"bytes-month";r=0 body={"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request%20cannot%20be%20satisfied%20as%20assigned%20quota%20has%20been%20exceeded","status":429,"violated-policies":["requests-month","bytes-month"]}
/text.txt?key=KEY-ACME                                         429 Retry-After~^\d+$ Content-Type=text/html
/text.txt?key=KEY-PAID                                         200
/text.txt?key=KEY-PAID [Accept: application/json]              429 !Retry-After body={"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request%20cannot%20be%20satisfied%20as%20assigned%20quota%20has%20been%20exceeded","status":429,"violated-policies":["requests-total"]}
/text.txt?key=KEY-PAID                                         429 !Retry-After
HEAD /text.txt?key=KEY-PAID [Accept: application/json]         429 !Retry-After empty Content-Type=application/problem+json
/text.txt?key=KEY-MANY                                         200
/text.txt?key=KEY-MANY [Accept: application/json]              429 !Retry-After body={"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Request%20cannot%20be%20satisfied%20as%20assigned%20quota%20has%20been%20exceeded","status":429,"violated-policies":["requests-month","requests-total"]}


=== TEST 4: an error page of the configuration goes before
--- config
    access_key zone=p from=arg:key;
    location / { alias $TEST_NGINX_FIXTURES/; }
    location /page/ { error_page 401 403 /sorry.html; alias $TEST_NGINX_FIXTURES/; }
    location /named/ { error_page 401 = @named; alias $TEST_NGINX_FIXTURES/; }
    location /status/ { error_page 401 =404 /sorry.html; alias $TEST_NGINX_FIXTURES/; }
    location /away/ { error_page 401 http://other.example/; alias $TEST_NGINX_FIXTURES/; }
    location /others/ { error_page 404 /sorry.html; alias $TEST_NGINX_FIXTURES/; }
    location /keyless/ { error_page 401 /with-key/none; alias $TEST_NGINX_FIXTURES/; }
    location /with-key/ { internal; alias $TEST_NGINX_FIXTURES/; }
    location = /sorry.html { access_key off; internal; alias $TEST_NGINX_HTML_DIR/sorry.html; }
    location @named { access_key off; return 402 named; }
--- rows
/page/text.txt [Accept: application/json]    401 Content-Type=text/html body=sorry !Vary
/named/text.txt [Accept: application/json]   402 body=named !Vary
/status/text.txt [Accept: application/json]  404 body=sorry
/away/text.txt [Accept: application/json]    302 Location=http://other.example/ Content-Type=text/html
/others/text.txt [Accept: application/json]  401 Content-Type=application/problem+json
/keyless/text.txt [Accept: application/json] 401 Content-Type=application/problem+json Vary=Accept
/text.txt [Accept: application/json]         401 Content-Type=application/problem+json


=== TEST 5: other access modules have their say first
--- config
    access_key zone=p from=arg:key;
    location /any/ { satisfy any; allow 127.0.0.1; deny all; alias $TEST_NGINX_FIXTURES/; }
    location /none/ { satisfy any; deny all; alias $TEST_NGINX_FIXTURES/; }
    location /all/ { deny all; alias $TEST_NGINX_FIXTURES/; }
--- rows
/any/text.txt [Accept: application/json]            200 same=text.txt !Vary
/none/text.txt [Accept: application/json]           401|403
/none/text.txt?key=KEY-HERE [Accept: application/json]  403 Content-Type=application/problem+json
/all/text.txt?key=KEY-MANY [Accept: application/json]   403 !Vary Content-Type=text/html
