package ImageGate::S3;

# S3 servers that verify signatures, and an nginx in front of them: lib/s3.py, which botocore verifies
# for, or the s3s-fs that TEST_NGINX_IMAGE_GATE_S3S names.

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use ImageGate::Exports qw(free_port run_child wait_for write_file replace_file);
use ImageGate::Fixtures qw(slurp);
use ImageGate::Server;

use base 'Exporter';
our @EXPORT_OK = qw(is_available is_other credentials origin nginx escaped asked accept_only store key_file);

# Debian's, with its boto3.
my $python = '/usr/bin/python3';
my $script = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../s3.py');
my $params = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../../examples/s3_params');
my $s3s = $ENV{TEST_NGINX_IMAGE_GATE_S3S};

my $owner = $$;
my @children;
END {
    if ($$ == $owner) {
        local $?;
        kill 'KILL', @children;
        waitpid $_, 0 for @children;
    }
}

sub is_available { return system("$python -c 'import boto3' 2>/dev/null") == 0 }

# Whether the server is not ours.
sub is_other { return defined $s3s }

# Credentials called so: the secret is the name in capitals, and easily found in a log.
sub credentials {
    my ($name, $token) = @_;
    return { id => "ID-$name", secret => "SECRET-\U$name", $token ? (token => "TOKEN-\U$token") : () };
}

# A server with objects, [key, type, bytes] each. Of %o: accepted, env (as for a child).
sub origin {
    my ($objects, %o) = @_;
    my $origin = { port => free_port(), dir => File::Temp::tempdir('image-gate-s3-XXXXXX', TMPDIR => 1, CLEANUP => 1) };
    $origin->{accepted} = $o{accepted} || [credentials('main')];
    accept_only($origin, @{ $origin->{accepted} });
    push @children, run_child(sub {
        local %ENV = (%ENV, %{ $o{env} || {} });
        open STDOUT, '>', "$origin->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        my ($known) = @{ $origin->{accepted} };
        mkdir "$origin->{dir}/root";
        exec $s3s, '--host', '127.0.0.1', '--port', $origin->{port}, '--access-key', $known->{id},
            '--secret-key', $known->{secret}, "$origin->{dir}/root" if $s3s;
        exec $python, '-B', $script, 'serve', $origin->{port}, $origin->{dir};
    });
    wait_for(20, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $origin->{port}) })
        or die 'no S3 server: ' . slurp("$origin->{dir}/log");
    $ENV{S3_MAKE_BUCKET} = $s3s ? 1 : '';
    store($origin, 'pictures', $objects, %{ $o{env} || {} });
    return $origin;
}

# Has boto3 store objects.
sub store {
    my ($origin, $bucket, $objects, %env) = @_;
    local %ENV = (%ENV, %env);
    my @objects = map { [@$_[0, 1], encode_base64($_->[2], '')] } @$objects;
    write_file("$origin->{dir}/objects.json", JSON::PP->new->utf8->encode(\@objects));
    my $said = `$python -B $script put http://127.0.0.1:$origin->{port} $bucket $origin->{dir} 2>&1`;
    die "boto3: $said" if $?;
}

# Whose signatures are good from now on.
sub accept_only {
    my ($origin, @accepted) = @_;
    replace_file("$origin->{dir}/accepted.json", JSON::PP->new->encode(\@accepted));
}

# Lines of what a server was asked for.
sub asked { my $origin = shift; return split /\n/, slurp("$origin->{dir}/asked") }

# A file of credentials, in place of the one before.
sub key_file {
    my ($path, $known) = @_;
    my $token = $known->{token} ? "aws_session_token = $known->{token}\n" : '';
    my $umask = umask 077;
    replace_file($path, "[default]\naws_access_key_id = $known->{id}\naws_secret_access_key = $known->{secret}\n$token");
    umask $umask;
}

# An nginx with locations in which ORIGIN stands for image_gate_s3 and all that belongs to it, and PORT
# for the port of the server. Of %o: known (credentials), http, args (of image_gate_s3), source (of credentials, in place of a file), poll, and those of ImageGate::Server.
sub nginx {
    my ($origin, $locations, %o) = @_;
    my $known = delete $o{known} || $origin->{accepted}[0];
    my $args = delete $o{args} || '';
    my $http = delete $o{http} || '';
    my $poll = delete $o{poll};
    my $source = delete $o{source} || 'file=s3.credentials' . ($poll ? " poll=$poll" : '');
    my $s = ImageGate::Server->new(%o);
    key_file("$s->{dir}/s3.credentials", $known);
    $s->{http} = "image_gate_s3_credentials main $source;
        merge_slashes off;
        image_gate_s3_bucket pictures;
        log_format s3 '\$request_method \$status \$image_gate_s3_host \$image_gate_s3_uri \$image_gate_s3_date'
            ' \$image_gate_s3_payload token=\$image_gate_s3_session_token authorization=\$image_gate_s3_authorization';
        $http";
    my $to = "image_gate_s3 main region=eu-central-1 endpoint=http://127.0.0.1:$origin->{port} $args;
        include $params; proxy_pass http://\$image_gate_s3_host\$image_gate_s3_uri;";
    $locations =~ s/\bORIGIN;/$to/g;
    $locations =~ s/\bPORT\b/$origin->{port}/g;
    $locations =~ s/\bPARAMS\b/include $params/g;
    return $s->start("access_log $s->{dir}/logs/access.log s3; $locations");
}

# A key as a client writes it.
sub escaped {
    my $key = shift;
    utf8::encode($key) if utf8::is_utf8($key);
    $key =~ s{([^A-Za-z0-9/])}{sprintf '%%%02X', ord $1}ge;
    return $key;
}

1;
