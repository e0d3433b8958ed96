# What "nginx -t" says to wrong image_gate_s3 directives, which line it names, and that it quotes no secret;
# what it warns of, and what it takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use ImageGate::Exports qw(write_file);
use ImageGate::Server;

my $s = ImageGate::Server->new;
my $dir = $s->{dir};
delete @ENV{grep { /^AWS_/ } keys %ENV};

sub put {
    my ($name, $text, $mode) = @_;
    write_file("$dir/$name", $text);
    chmod $mode || 0600, "$dir/$name";
}

my $good = "[default]\naws_access_key_id = ID\naws_secret_access_key = SECRET-1\n";
put('good', $good);
put('open', $good, 0644);
put('half', "[default]\naws_access_key_id = SECRET-2\n");
put('torn', "$good\nSECRET-3\n");
mkdir "$dir/folder";

# What is sent to a bucket.
our $sent = 'return 200 $image_gate_s3_authorization$image_gate_s3_uri;';

# The lines of a level of a configuration with a directive in http, and one in a location.
sub lines {
    my ($level, $http, $location, %env) = @_;
    local %ENV = (%ENV, %env);
    $s->{http} = $http;
    $s->write_conf("location /x/ {\n$location\n}\nlocation /sent/ { $sent }");
    my $out = `$s->{nginx} -t -p $dir/ -c $dir/nginx.conf -e $dir/logs/error.log 2>&1`;
    unlike($out, qr/SECRET/, "no secret: $http $location");
    return grep { /\[$level\]/ } split /\n/, $out;
}

my $main = 'image_gate_s3_credentials main file=good;';
my $bucket = 'image_gate_s3_bucket bbb;';
my $origin = "image_gate_s3 main region=r; $bucket";

# Directive, then what must be in the message besides the name.
my $http = <<'E_';
image_gate_s3_credentials;                                | invalid number of arguments
image_gate_s3_credentials main;                           | invalid number of arguments
image_gate_s3_credentials off file=good;                  | no credentials can be called "off"
image_gate_s3_credentials anonymous file=good;            | no credentials can be called "anonymous"
image_gate_s3_credentials main file=none;                 | none: No such file
image_gate_s3_credentials main file=folder;               | folder: not a regular file
image_gate_s3_credentials main file=half;                 | half: profile "default": no secret access key
image_gate_s3_credentials main file=torn;                 | torn: line 5: neither a section nor "name = value"
image_gate_s3_credentials main file=good profile=other;   | good: there is no profile "other"
image_gate_s3_credentials main file=good poll=1ms;        | "1ms"
image_gate_s3_credentials main file=good file=good;       | more than one source
image_gate_s3_credentials main file=;                     | invalid value "file=", it must be
image_gate_s3_credentials main file=good env;             | more than one source
image_gate_s3_credentials main imds ecs;                  | more than one source
image_gate_s3_credentials main poll=1s;                   | need "file="
image_gate_s3_credentials main imds=http://metadata;      | the URL is not http://ADDRESS[:port][/path]
image_gate_s3_credentials main imds=https://127.0.0.1;    | the URL is not http://ADDRESS[:port][/path]
image_gate_s3_credentials main imds poll=1s;              | need "file="
image_gate_s3_credentials main ecs;                       | no $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
image_gate_s3_credentials main web_identity;              | no $AWS_ROLE_ARN
image_gate_s3_credentials main web_identity ecs;          | more than one source
image_gate_s3_credentials main env poll=1s;               | need "file="
image_gate_s3_credentials main env;                       | no $AWS_ACCESS_KEY_ID
image_gate_s3_credentials main file=good; image_gate_s3_credentials main env; | is duplicate
image_gate_s3 main region=r;                              | is not allowed here
E_
my $location = <<'E_';
image_gate_s3;                                            | invalid number of arguments
image_gate_s3 main;                                       | no "region="
image_gate_s3 main endpoint=http://a;                     | no "region="
image_gate_s3 anonymous;                                  | no "region="
image_gate_s3 main region=;                               | the name of a region
image_gate_s3 main region=a/b;                            | "a/b"
image_gate_s3 main region=r region=r;                     | is duplicate
image_gate_s3 main region=r endpoint=minio;               | "minio", it must be http://host[:port]
image_gate_s3 main region=r endpoint=http://a/b;          | "http://a/b"
image_gate_s3 main region=r endpoint=http://a:x;          | "http://a:x"
image_gate_s3 main region=r service=;                     | the name of a service
image_gate_s3 main region=r style=host;                   | "host", it must be path or virtual
image_gate_s3 main region=r payload=signed;               | "signed", it must be empty or unsigned
image_gate_s3 main region=r presign=0;                    | "0"
image_gate_s3 main region=r presign=10ms;                 | "10ms"
image_gate_s3 main region=r presign=8d;                   | "8d"
image_gate_s3 main region=r presign=1m payload=empty;     | "payload=" is of headers
image_gate_s3 anonymous region=r presign=1m;              | nobody signs for "anonymous"
image_gate_s3 main region=r what=1;                       | invalid value "what=1", it must be
image_gate_s3 off region=r;                               | there are no "image_gate_s3_credentials off"
image_gate_s3 main region=r;                              | there is no "image_gate_s3_bucket" here
image_gate_s3 other region=r; image_gate_s3_bucket bbb;     | there are no "image_gate_s3_credentials other"
image_gate_s3 main region=r; image_gate_s3_bucket My_Bucket; | "image_gate_s3_bucket" directive: "My_Bucket": that is not the name of a bucket, or none before a host: "style=path" puts it into the path
image_gate_s3 main region=r endpoint=http://a; image_gate_s3_bucket s3://abc; | "image_gate_s3_bucket" directive: "s3://abc": that is not the name of a bucket
image_gate_s3 main region=r; image_gate_s3 off;           | is duplicate
image_gate_s3_bucket;                                     | invalid number of arguments
image_gate_s3_bucket $no_such_thing;                      | unknown "no_such_thing" variable
image_gate_s3_key a; image_gate_s3_key b;                 | is duplicate
image_gate_s3_args a b;                                   | invalid number of arguments
image_gate_s3_credentials other file=good;                | is not allowed here
E_
for my $where ([$http, 1], [$location, 0]) {
    for my $line (grep { /\S/ } split /\n/, $where->[0]) {
        my ($directive, $words) = split /\s*\|\s*/, $line;
        $directive .= " $bucket" if !$where->[1] && $words =~ /credentials off/;
        my @said = $where->[1] ? lines('emerg', $directive, '') : lines('emerg', $main, $directive);
        is(scalar @said, 1, "one line: $directive") or diag(join "\n", @said);
        my $place = $words =~ /unknown/ ? '' : '.* in'; # nginx's own
        like($said[0] || '', $place eq '' ? qr/\Q$words\E/ : qr/\Q$words\E.* in \Q$dir\E\/nginx\.conf:\d+$/, "$words");
        like($said[0] || '', qr/"\Q$_\E"/, 'names the directive') for $words =~ /unknown/ ? () : $directive =~ /(image_gate_s3\w*) ?[^;]*;(?!.*image_gate_s3_(?!bucket b))/;
    }
}

# Where AWS says so, the role and its token are in the environment.
for my $case (
    ['', 0],
    ['=http://127.0.0.1:9000', 0],
    ['=http://minio:9000/', 1],
    ['=http://u@minio', 0, 'the URL is not http[s]://HOST[:port][/path]'],
) {
    my ($url, $warns, $error) = @$case;
    my @said = lines('(?:warn|emerg)', "image_gate_s3_credentials main web_identity$url;", $origin,
        AWS_ROLE_ARN => 'arn:aws:iam::1:role/a', AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/none", AWS_REGION => 'eu-central-1');
    is(scalar @said, $warns || $error ? 1 : 0, "web_identity$url") or diag(join "\n", @said);
    like($said[0], $error ? qr/\[emerg\].*\Q$error\E/ : qr/\[warn\].*image_gate_s3_credentials.*the token goes to another machine without TLS/, 'and why') if @said;
}

# What is right, and is warned of.
for (
    [$main, $origin],
    [$main, "$origin image_gate_s3_key \$arg_k; image_gate_s3_args a=\$arg_a;"],
    [$main, "image_gate_s3 main region=auto endpoint=https://[::1]:9000/ service=s3 style=virtual payload=unsigned; $bucket"],
    [$main, "image_gate_s3 main region=r presign=7d; $bucket"],
    ['', "image_gate_s3 anonymous endpoint=http://a; $bucket"],
    ['', 'image_gate_s3 off;'],
    ['image_gate_s3_credentials main imds;', $origin],
    ['image_gate_s3_credentials main ecs=http://169.254.170.23/v1/credentials;', $origin],
    [$bucket, ''],
    ["$main $bucket", 'image_gate_s3 main region=r; location /x/y { image_gate_s3 off; }'],
    [$main, 'image_gate_s3 main region=r endpoint=https://minio.example; image_gate_s3_bucket minio;'],
    [$main, 'image_gate_s3 main region=r endpoint=http://ceph; image_gate_s3_bucket tenant:My_Bucket;'],
    [$main, 'image_gate_s3 main region=r endpoint=https://s3.eu-west-1.amazonaws.com style=virtual; image_gate_s3_bucket s3.abc;'],
    [$main, 'image_gate_s3 main region=r endpoint=https://bbb.s3.amazonaws.com; image_gate_s3_bucket bbb;',
        qr/\[warn\].*image_gate_s3_bucket.*"bbb" stands in "endpoint=", too/],
    [$main, 'image_gate_s3 main region=r endpoint=https://bbb.s3-eu.example style=virtual; image_gate_s3_bucket bbb;',
        qr/\[warn\].*image_gate_s3_bucket.*"bbb" stands in "endpoint=", too/],
    [$main, "$origin image_gate_s3_args \$args;", qr/\[warn\].*image_gate_s3_args.*what a visitor writes is signed by "\$args"/],
    [$main, "$origin image_gate_s3_args \$is_args\$query_string; location /x/y { }", qr/\[warn\].*image_gate_s3_args.*signed by "\$query_string"/],
    ['', "image_gate_s3 anonymous endpoint=http://a; $bucket image_gate_s3_args \$args;"],
    ['image_gate_s3_credentials main file=open;', $origin, qr/\[warn\].*image_gate_s3_credentials.*anybody on this machine may read \S+open, or write to it/],
    [$main, '', qr/\[warn\].*image_gate_s3_credentials.*no location has "image_gate_s3 main"/],
    ['', $bucket, qr/\[warn\].*image_gate_s3_bucket.*has no effect: there is no "image_gate_s3" here/],
) {
    my ($in_http, $in_location, $warning) = @$_;
    my @said = lines('(?:warn|emerg)', $in_http, $in_location);
    is(scalar @said, $warning ? 1 : 0, "taken: $in_http $in_location") or diag(join "\n", @said);
    like($said[0] || '', $warning, 'with a warning') if $warning;
}
# What is signed, and sent to nobody.
for (
    ['', $origin, 'nothing is signed: nothing sends $image_gate_s3_authorization: add "include s3_params"'],
    ['return 200 $image_gate_s3_uri;', $origin, 'nothing sends $image_gate_s3_authorization'],
    ['return 200 $image_gate_s3_authorization;', $origin],
    ['', "image_gate_s3 main region=r presign=7d; $bucket", 'nothing sends $image_gate_s3_uri: put it behind the host of "proxy_pass"'],
    ['return 200 $image_gate_s3_uri;', "image_gate_s3 main region=r presign=7d; $bucket"],
    ['', "image_gate_s3 anonymous endpoint=http://a; $bucket"],
) {
    (local $sent, my ($in_location, $warning)) = @$_;
    my @said = lines('(?:warn|emerg)', $in_location =~ /anonymous/ ? '' : $main, $in_location);
    is(scalar @said, $warning ? 1 : 0, "$sent $in_location") or diag(join "\n", @said);
    like($said[0] || '', qr/\[warn\].*"image_gate_s3" directive: .*\Q$warning\E/, 'with a warning') if $warning;
}
SKIP: {
    skip 'only root runs workers as somebody else', 4 if $> != 0;
    chmod 0711, $dir;
    my $of_nobody = sub {
        my ($credentials) = @_;
        $s->{http} = $credentials;
        $s->write_conf("location /x/ { $origin $sent }");
        my $text = do { local (@ARGV, $/) = "$dir/nginx.conf"; <> };
        $text =~ s/^user root;$/"user nobody " . getgrgid((getpwnam 'nobody')[3]) . ';'/me;
        write_file("$dir/nginx.conf", $text);
        # As Debian has it, which is not for warnings.
        $text =~ s/^error_log (\S+) \w+;$/error_log $1;/m;
        write_file("$dir/nginx.conf", $text);
        return grep { /\[(?:warn|error)\]/ } split /\n/, `$s->{nginx} -t -p $dir/ -c $dir/nginx.conf -e $dir/logs/error.log 2>&1`;
    };
    my $polled = 'image_gate_s3_credentials main file=good poll=1s;';
    my @said = $of_nobody->($polled);
    is(scalar @said, 1, 'a file that workers can not read again') or diag(join "\n", @said);
    like($said[0], qr/"image_gate_s3_credentials" directive: the workers, which run as the user \d+, can't read \S+good: "chgrp \d+" and "chmod 640" let them in \S+nginx.conf:\d+/, '... is told of');
    is(join("\n", $of_nobody->($main)), '', '... and not where they do not');
    chown -1, (getpwnam 'nobody')[3], "$dir/good";
    chmod 0640, "$dir/good";
    is(join("\n", $of_nobody->($polled)), '', '... nor where they can');
    chmod 0700, $dir;
}
my %env = (AWS_ACCESS_KEY_ID => 'ID', AWS_SECRET_ACCESS_KEY => 'SECRET-4', AWS_SESSION_TOKEN => 'SECRET-5');
is(join('', lines('(?:warn|emerg)', 'image_gate_s3_credentials main env;', $origin, %env)), '', 'an environment');

# Whoever only sends a signal needs none.
$s->{http} = $main;
$s->start("location /x/ { image_gate_s3 main region=r; image_gate_s3_bucket pictures; return 200 \$image_gate_s3_host; }");
is($s->client->get('/x/a')->{body}, 'pictures.s3.r.amazonaws.com', 'AWS is the default');
put('good', 'SECRET-6');
system($s->{nginx}, '-p', "$dir/", '-c', "$dir/nginx.conf", '-e', "$dir/logs/error.log", '-s', 'quit');
ok($s->wait(10, sub { !kill 0, $s->{master} }), 'a signal');

done_testing();
