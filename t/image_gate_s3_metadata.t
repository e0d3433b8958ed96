# image_gate_s3_credentials by imds, ecs and web_identity: credentials that services of a machine or a container
# give, and STS over TLS, that end after seconds here, and are renewed before that without a request that fails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use ImageGate::Exports qw(free_port run_child wait_for write_file);
use ImageGate::Fixtures qw(slurp);
use ImageGate::S3 qw(is_available credentials origin nginx accept_only);

plan skip_all => 'no boto3' if !is_available();

my $dir = File::Temp::tempdir('image-gate-meta-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $owner = $$;
my $service;
END { if ($service && $$ == $owner) { local $?; kill 'KILL', $service; waitpid $service, 0 } }

# Who signed the certificate of STS, and who did not.
for my $name (qw(trusted other)) {
    my $leaf = "$dir/$name-leaf";
    system("cd $dir && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$name -keyout $name.key -out $name.crt 2>/dev/null"
        . " && openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout $leaf.key -out $leaf.csr 2>/dev/null"
        . " && printf 'subjectAltName=DNS:localhost\n' >$leaf.ext"
        . " && openssl x509 -req -in $leaf.csr -CA $name.crt -CAkey $name.key -CAcreateserial -days 2 -extfile $leaf.ext -out $leaf.crt 2>/dev/null") == 0
        or die 'openssl: no certificates';
}

my $port = free_port();
sub start_service {
    my @tls = map { my $name = $_; map { "$dir/$name-leaf.$_" } qw(crt key) } @_;
    $service = run_child(sub { exec '/usr/bin/python3', '-B', "$FindBin::Bin/lib/s3_metadata.py", $port, $dir, @tls });
    wait_for(10, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }) or die 'no service';
}
sub stop_service { kill 'KILL', $service; waitpid $service, 0; undef $service }

sub give {
    my ($known, $seconds) = @_;
    write_file("$dir/given.new", JSON::PP->new->encode({ %$known, seconds => $seconds }));
    rename "$dir/given.new", "$dir/given.json" or die $!;
}
sub questions { return -e "$dir/questions" ? split(/\n/, slurp("$dir/questions")) : () }

my ($one, $two) = map { credentials($_, $_) } qw(one two);
my $origin = origin([['photo.jpg', 'image/jpeg', 'hello']], accepted => [$one]);
# What a container of EKS is told.
local @ENV{qw(AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_CA_BUNDLE)}
    = ('arn:aws:iam::123456789012:role/pictures', "$dir/token", "$dir/trusted.crt");
# The token that nginx has, and that which is good.
sub show { write_file("$dir/token.new", "$_[0]\n"); rename "$dir/token.new", "$dir/token" or die $! }
sub know { write_file("$dir/known-token.new", $_[0]); rename "$dir/known-token.new", "$dir/known-token" or die $! }

sub is_silent {
    my ($name, $s) = @_;
    my $logs = join '', map { slurp($_) } glob "$s->{dir}/logs/*.log";
    unlike($logs, qr/SECRET-|TOKEN-(?:ONE|TWO)|SESSION-|CONTAINER-TOKEN|WEB-TOKEN|uuid|Signature=[0-9a-f]/, "$name - no secret in a log");
    is(join('', $s->trouble), '', "$name - nothing bad in the log");
}

for my $how ('imds', 'ecs', 'web_identity') {
    my $name = $how;
    start_service($how eq 'web_identity' ? 'trusted' : ());
    $_->('WEB-TOKEN.1') for \&show, \&know;
    give($one, 6);
    accept_only($origin, $one);
    my %url = (imds => "http://127.0.0.1:$port", web_identity => "https://localhost:$port");
    my $url = $url{$how} || "http://127.0.0.1:$port/v2/credentials/uuid";
    local $ENV{AWS_CONTAINER_AUTHORIZATION_TOKEN} = 'CONTAINER-TOKEN';
    my $s = nginx($origin, 'location / { ORIGIN; }', workers => 2, source => "$how=$url");
    my $c = $s->client;
    is($c->get('/photo.jpg')->{body}, 'hello', "$name - from the first request on");
    # Others before those end: the old ones are good until then.
    accept_only($origin, $one, $two);
    give($two, 6);
    $_->('WEB-TOKEN.2') for \&show, \&know;
    my ($end, %statuses) = (time + 5.5);
    while (time < $end) { $statuses{ $c->get('/photo.jpg')->{status} }++; sleep 0.02 }
    accept_only($origin, $two);
    $end = time + 4;
    while (time < $end) { $statuses{ $c->get('/photo.jpg')->{status} }++; sleep 0.02 }
    is(join(' ', keys %statuses), 200, "$name - not one request failed");
    is(scalar(() = $s->log =~ /"main" has new credentials/g) >= 2, 1, "$name - both workers have new ones");
    # A reload has them at once, too.
    my $old = $s->worker;
    $s->signal('HUP');
    ok($s->wait(10, sub { $s->left($old) }), "$name - reloaded");
    is($c->get('/photo.jpg')->{status}, 200, "$name - and answers");
    is_silent($name, $s);
    is(scalar(grep { / 40[01]$/ } questions()), 0, "$name - only as the protocol says");
    stop_service();
}

for my $case (
    ['a token that is not good', 'trusted', 'WEB-TOKEN.3', qr/https:\/\/localhost:\d+: status 400: the answer is "InvalidIdentityToken"/],
    ['a service that is not trusted', 'other', 'WEB-TOKEN.2', qr/https:\/\/localhost:\d+: .*UnknownIssuer/],
) {
    my ($name, $signer, $token, $line) = @$case;
    my @before = questions();
    show($token);
    start_service($signer);
    my $s = nginx($origin, 'location / { ORIGIN; }', source => "web_identity=https://localhost:$port");
    ok($s->wait(10, sub { $s->log =~ /\[error\].*image_gate_s3: "main" has no credentials: $line/ }), "$name - the line") or diag($s->log);
    is($s->client->get('/photo.jpg')->{status}, 500, "$name - nothing is asked for");
    is(scalar(questions()), scalar @before, "$name - which got no token") if $signer eq 'other';
    unlike(join('', map { slurp($_) } glob "$s->{dir}/logs/*.log"), qr/SECRET-|WEB-TOKEN/, "$name - no secret in a log");
    stop_service();
}
start_service();

{
    my $name = 'a service that is away';
    accept_only($origin, $one);
    give($one, 3600);
    my $s = nginx($origin, 'location / { ORIGIN; }', source => "imds=http://127.0.0.1:$port");
    is($s->client->get('/photo.jpg')->{status}, 200, "$name - not yet");
    stop_service();
    $s->signal('HUP');
    ok($s->wait(10, sub { $s->log =~ /\[error\].*image_gate_s3: "main" has no credentials: http:\/\/127\.0\.0\.1:\d+: / }), "$name - the line");
    ok($s->wait(10, sub { $s->client->get('/photo.jpg')->{status} == 500 }), "$name - nothing is asked for");
    my $lines = () = $s->log =~ /has no credentials/g;
    start_service();
    ok($s->wait(20, sub { $s->client->get('/photo.jpg')->{status} == 200 }), "$name - and is back");
    cmp_ok($lines, '<=', 3, "$name - one line each");
    my $logs = slurp("$s->{dir}/logs/error.log");
    unlike($logs, qr/SECRET-|SESSION-/, "$name - no secret in a log");
}

done_testing();
