package ImageGate::Cache;

# What the tests of image_resize_cache have in common.

use strict;
use warnings;

use File::Copy qw(copy);
use JSON::PP ();
use Test::More;
use Time::HiRes ();

use ImageGate::Fixtures qw(fixture_path slurp);
use ImageGate::Server;

use base 'Exporter';
our @EXPORT = qw(asked is_answer is_made kept_files lookups needs_cache made origin_of origin_server);

# Skips the file where nginx has no caches.
sub needs_cache {
    plan skip_all => 'this nginx is built without caches'
        if `$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /--without-http-cache/;
}

# Pictures that were made, by /status.
sub made {
    my $status = JSON::PP::decode_json($_[0]->client->get('/status')->{body});
    return $status->{job_time}{count};
}

# An answer is counted when it is logged, which is after its end has come.
sub is_made {
    my ($s, $count, $name) = @_;
    $s->wait(3, sub { made($s) >= $count });
    is(made($s), $count, $name);
}

# The names of the files that are kept, without that of the generations.
sub kept_files {
    my $s = shift;
    my @files = grep { !/-generations-/ } split /\n/, `find $s->{dir}/cache -type f`;
    return @files;
}

# What a client got, and what X-Cache says of it.
sub is_answer {
    my ($name, $r, $status, $cache) = @_;
    is($r->{status}, $status, "$name - status") or diag($r->{error} || '');
    is($r->{h}{'x-cache'}, $cache, "$name - cache");
}

# Locations with ORIGIN in them, that being what passes to the origin of a server.
sub origin_of {
    my ($s, $locations) = @_;
    my $pass = "proxy_pass http://unix:$s->{dir}/origin.sock:";
    return $locations =~ s/\bORIGIN(\S*?)(?=[;\s])/$pass$1/gr;
}

# A server with an origin behind it, which has a log of what it is asked for, and on what conditions.
sub origin_server {
    my ($locations, %o) = @_;
    my $origin = delete $o{origin} || '';
    my $etag = delete $o{etag} || 'off';
    my $s = ImageGate::Server->new(%o);
    mkdir "$s->{dir}/files";
    copy(fixture_path($_), "$s->{dir}/files/$_") or die $! for qw(photo-300x200.jpg quad-300x200.jpg text.txt);
    # Nothing is kept of a file that changed within the last 50 ms.
    Time::HiRes::sleep(0.1);
    $s->{http} = "image_resize_zone 1m; image_resize_cache_path cache levels=1:2 keys_zone=images:1m;
        proxy_cache_path sources keys_zone=sources:1m;
        log_format asked escape=none '\$request_method \$request_uri \$status [\$http_if_none_match] [\$http_if_modified_since]';
        server {
            listen unix:$s->{dir}/origin.sock;
            access_log $s->{dir}/logs/origin.log asked;
            root $s->{dir}/files;
            etag $etag;
            $origin
        }" . ($s->{http} || '');
    $locations = origin_of($s, $locations);
    $s->start("location = /status { image_resize_status json; } add_header X-Cache \$image_resize_cache_status always;
        image_resize_cache images; $locations");
    return $s;
}

# What an origin was asked: lines of its log.
sub asked { my $s = shift; return split /\n/, slurp("$s->{dir}/logs/origin.log") }

# Counts of look-ups, by /status.
sub lookups { return JSON::PP::decode_json($_[0]->client->get('/status')->{body})->{cache} }

1;
