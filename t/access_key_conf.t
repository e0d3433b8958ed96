# What "nginx -t" says to wrong access_key directives: it must refuse, and the message must name
# the directive. Each row becomes a block of its own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use ImageGate;
use ImageGate::Keys qw(key_file);

my $keys = "$ENV{TEST_NGINX_FIXTURES}/conf-test.keys";
for ([$keys, key_file(acme => 'KEY')], ["$keys.bad", key_file(acme => 'KEY') . "\nbeta sha256:12\n"]) {
    open my $out, '>', $_->[0] or die $!;
    print $out $_->[1];
    close $out;
}
END { unlink $keys, "$keys.bad" if $keys }

my $zone = "access_key_zone p 256k; access_key_file p $keys;";

# Directive, then what must be in the message besides the name. Stands in http.
my $http = <<'E_';
access_key_zone;                                | invalid number of arguments
access_key_zone p;                              | invalid number of arguments
access_key_zone p big;                          | big
access_key_zone p 1k;                           | zone "p" is too small
access_key_zone p/q 1m;                         | p/q
access_key_zone p 1m save=1s;                   | "save=" needs "state="
access_key_zone p 1m state=;                    | invalid value "state=", it must be
access_key_zone p 1m state=KEYS.x save=1ms;     | 1ms
access_key_zone p 1m state=KEYS.x save=soon;    | soon
access_key_zone p 1m state=KEYS.x state=KEYS.y; | is duplicate
access_key_zone p 1m state=KEYS.x; access_key_zone q 1m state=KEYS.x; | the state file of zone "p" too
access_key_zone p 1m what=1;                    | invalid value "what=1", it must be
access_key_zone p 1m; access_key_zone p 1m;     | is duplicate
access_key_file;                                | invalid number of arguments
access_key_file p;                              | invalid number of arguments
access_key_file p /nonexistent/keys;            | /nonexistent/keys: No such file
access_key_file p KEYS.bad;                     | KEYS.bad: line 4, column 6: invalid digest
access_key_file p KEYS pull=1s;                 | invalid value "pull=1s", it must be
access_key_file p KEYS poll=never;              | never
access_key_file p KEYS; access_key_file p KEYS; | is duplicate
access_key_file p KEYS;                         | unknown zone "p"
access_key_zone p 1m;                           | zone "p" has no keys
access_key zone=p from=arg:key;                 | not allowed here
access_key_mask on;                             | not allowed here
access_key_quota requests=1 per=day;            | not allowed here
E_

# Stands in a location, beside a zone.
my $location = <<'E_';
access_key;                                     | invalid number of arguments
access_key on;                                  | invalid value "on", it must be
access_key zone=p;                              | no "from="
access_key from=arg:key;                        | no "zone="
access_key zone=q from=arg:key;                 | unknown zone "q"
access_key zone=p from=;                        | arg:NAME
access_key zone=p from=arg;                     | "arg"
access_key zone=p from=arg:;                    | "arg:"
access_key zone=p from=uri:0;                   | "uri:0"
access_key zone=p from=uri:x;                   | "uri:x"
access_key zone=p from=body:key;                | "body:key"
access_key zone=p from=arg:key|arg:key;         | the same source twice
access_key zone=p from=arg:key from=arg:key;    | the same source twice
access_key zone=p zone=p from=arg:key;          | is duplicate
access_key zone=p from=arg:key; access_key off; | is duplicate
access_key_quota requests=1;                    | no "per=": second
access_key_quota requests=1 dry_run;            | no "per="
access_key_quota per=day dry_run;               | neither "requests=" nor "bytes="
access_key_quota requests=0 per=day;            | "0"
access_key_quota requests=many per=day;         | many
access_key_quota bytes=1x per=day;              | 1x
access_key_quota requests=1 per=week;           | week
access_key_quota requests=1 bytes=1 per=day;    | is duplicate
access_key_quota requests=1 per=day wet_run;    | wet_run
access_key_quota requests=1 per=day; access_key_quota requests=2 per=day dry_run; | two limits of requests per day
access_key_errors;                              | invalid number of arguments
access_key_errors missing;                      | missing
access_key_errors missing=200;                  | 200
access_key_errors missing=x;                    | "x"
access_key_errors absent=404;                   | absent=404
access_key_errors missing=404 missing=403;      | is duplicate
access_key_headers;                             | invalid number of arguments
access_key_headers on;                          | on
access_key_headers off; access_key_headers off; | is duplicate
access_key_strip maybe;                         | maybe
access_key_strip on; access_key_strip on;       | is duplicate
access_key_mask on;                             | not allowed here
access_key_redirect;                            | invalid number of arguments
access_key_redirect elsewhere;                  | elsewhere
access_key_redirect @;                          | "@"
access_key_redirect /x$no_such_thing;           | unknown "no_such_thing" variable
access_key_redirect /x; access_key_redirect /y; | is duplicate
empty_gif; access_key_redirect /x;              | another directive, such as "proxy_pass", answers
access_key_zone p 1m;                           | not allowed here
E_

my $right = <<'E_';
access_key zone=p from=arg:key|header:X-Api-Key|cookie:k|uri:2;
access_key zone=p from=arg:key from=header:Authorization;
access_key off;
access_key_quota requests=5k per=day; access_key_quota bytes=2g per=month; access_key_quota requests=1 per=second dry_run;
access_key_errors missing=400 invalid=404 disabled=599 quota=503 forbidden=444;
access_key_headers off;
access_key_headers draft;
access_key_headers legacy;
access_key_strip off;
access_key_redirect /x$uri?a=$arg_b;
access_key_redirect @name;
access_key_redirect $uri;
E_

my @spec;
sub lines { return grep { /\S/ } split /\n/, shift }

sub block {
    my ($name, %sections) = @_;
    my $text = "=== $name\n";
    for my $k (qw(http_config config must_die error_log suppress_stderr)) {
        $text .= "--- $k\n$sections{$k}\n" if exists $sections{$k};
    }
    push @spec, "$text\n\n";
}

for ([http => $http], [location => $location]) {
    my ($where, $table) = @$_;
    for my $line (lines($table)) {
        my ($directive, $words) = $line =~ /^(.*;)\s*\|\s*(.*?)\s*$/ or die $line;
        s/KEYS/$keys/g for $directive, $words;
        my ($named) = $directive =~ /(access_key\w*)/;
        # nginx's own messages, and the one about what is missing, don't quote it so.
        my $names = $words =~ /^zone "p" has|unknown "/ ? '' : "\n\"$named\"";
        block("refused in $where: $directive",
            http_config => $where eq 'http' ? $directive : $zone,
            config      => $where eq 'http' ? '' : "location /x { $directive }",
            must_die    => '',
            error_log   => "[emerg]\n$words$names",
            suppress_stderr => '');
    }
}

my $i = 0;
block('accepted in a location', http_config => $zone,
    config => join '', "location \@name { }\n", map { sprintf "location /%d { %s }\n", $i++, $_ } lines($right));
for my $directive (grep { !/redirect/ } lines($right)) {
    block("accepted in a server: $directive", http_config => $zone, config => $directive);
}
block('accepted: mask', http_config => $zone, config => 'access_key_mask off;');
block('accepted: the zone after its use', config => '',
    http_config => "server { listen unix:$ENV{TEST_NGINX_HTML_DIR}/x.sock; location / { access_key zone=p from=arg:key; } }\n$zone");

plan 'no_plan';
spec_string(join '', @spec);
run_tests();
