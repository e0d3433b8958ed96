package ImageGate::Server;

# An nginx of a test's own, with a master, for what Test::Nginx can't do: signals,
# several workers, a configuration that changes.
#
#     my $s = ImageGate::Server->new(workers => 2);
#     $s->start(sub { "location / { ... }" });      # gets the port
#     $s->client->get('/');  $s->signal('HUP');  $s->workers;  $s->log;  $s->stop;

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

use ImageGate::Client;
use ImageGate::Fixtures qw(slurp);

use base 'Exporter';
our @EXPORT_OK = qw(free_port leaves);

sub free_port {
    my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1) or die "port: $!";
    return $probe->sockport;
}

sub new {
    my ($class, %o) = @_;
    my $root = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
    my $build = $ENV{TEST_NGINX_IMAGE_GATE_BUILD} || "$root/build";
    my ($module) = grep { /image_gate/ } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';
    $module ||= "$build/ngx_http_image_gate_module.so";
    die "no module at $module; run make\n" if !-f $module;
    my $self = bless {
        nginx   => $ENV{TEST_NGINX_BINARY} || 'nginx',
        module  => Cwd::abs_path($module),
        dir     => File::Temp::tempdir('image-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1),
        port    => free_port(),
        owner   => $$,
        workers => 1,
        listen  => '',
        main    => '',
        http    => '',
        %o,
    }, $class;
    mkdir "$self->{dir}/logs";
    return $self;
}

sub write_conf {
    my ($self, $locations) = @_;
    my $user = $> == 0 ? 'user root;' : '';
    open my $out, '>', "$self->{dir}/nginx.conf" or die $!;
    print $out <<"E_";
load_module $self->{module};
$user
worker_processes $self->{workers};
error_log $self->{dir}/logs/error.log info;
pid $self->{dir}/nginx.pid;
$self->{main}
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $self->{dir}/body;
    proxy_temp_path $self->{dir}/proxy;
    fastcgi_temp_path $self->{dir}/fastcgi;
    uwsgi_temp_path $self->{dir}/uwsgi;
    scgi_temp_path $self->{dir}/scgi;
    $self->{http}
    server {
        listen 127.0.0.1:$self->{port} $self->{listen};
        location = /ready { return 200 \$pid; }
        $locations
    }
}
E_
    close $out or die $!;
}

sub start {
    my ($self, $locations) = @_;
    $self->write_conf($locations);
    return $self->launch;
}

# Starts it by the configuration that is there, also after it was killed.
sub launch {
    my $self = shift;
    my @command = ($self->{nginx}, '-e', "$self->{dir}/logs/error.log", '-p', "$self->{dir}/", '-c', "$self->{dir}/nginx.conf");
    system(@command) == 0 or die "nginx does not start: " . $self->log;
    my $ok = $self->wait(10, sub {
        my $r = $self->client->get('/ready');
        return $r->{status} == 200 && -s "$self->{dir}/nginx.pid";
    });
    die 'nginx does not answer: ' . $self->log if !$ok;
    $self->{master} = slurp("$self->{dir}/nginx.pid") + 0;
    return $self;
}

sub client { my $self = shift; return ImageGate::Client->new(port => $self->{port}, timeout => 30, @_) }

# The process that answers.
sub worker { return $_[0]->client->get('/ready')->{body} }

# True when another worker answers and this one takes no more connections.
sub left {
    my ($self, $old) = @_;
    return $self->worker ne $old && leaves($old);
}

# True for a process that is shutting down, or is gone: it may go at any moment,
# also between two looks.
sub leaves {
    my $pid = shift;
    open my $in, '<', "/proc/$pid/cmdline" or return 1;
    my $title = <$in>;
    return !defined $title || $title =~ /shutting down/;
}

# The master that the pid file names, 0 while there is none: nginx renames the
# file when a new binary starts, also between two looks.
sub named_master {
    my $self = shift;
    open my $in, '<', "$self->{dir}/nginx.pid" or return 0;
    my ($pid) = (<$in> // '') =~ /^(\d+)$/;
    return $pid // 0;
}

# The one that it names instead of $old, 0 while there is none.
sub master_after {
    my ($self, $old) = @_;
    my $pid = $self->named_master;
    return $pid == $old ? 0 : $pid;
}

sub workers {
    my ($self, $master) = @_;
    $master ||= $self->{master};
    return map { /^(\d+)/ } `pgrep -P $master`;
}

sub signal { my ($self, $name, $pid) = @_; return kill $name, $pid || $self->{master} }

sub log { my $f = "$_[0]{dir}/logs/error.log"; return -f $f ? as_nginx(slurp($f)) : '' }

# Lines of an error log as nginx has them: Angie quotes more, and calls the request otherwise.
sub as_nginx {
    my ($text) = @_;
    $text =~ s/, (client|server): "([^"\n]*)"/, $1: $2/g;
    $text =~ s/, request_line: "/, request: "/g;
    return $text;
}

# The words of an error with the name of a file, which Angie writes itself, where no module sees them.
sub unseen {
    my ($self) = @_;
    return qr/(?!)/ if `$self->{nginx} -v 2>&1` !~ /Angie/;
    return qr/(?:\bopen\(\) )?"[^"\n]*(?:" (?:failed|is not found)|(?:"[a-z ]*)?\.\.\. )/;
}

# Lines that must never be there.
sub trouble {
    return grep { /\[(?:alert|emerg|crit)\]|panicked|exited on signal/ } split /^/, $_[0]->log;
}

sub wait {
    my ($self, $seconds, $code) = @_;
    my $end = time + $seconds;
    until ($code->()) {
        return 0 if time > $end;
        sleep 0.05;
    }
    return 1;
}

sub stop {
    my $self = shift;
    my $master = delete $self->{master} or return;
    my @all = ($master, $self->workers($master));
    kill 'QUIT', $master;
    return if $self->wait(20, sub { !grep { kill 0, $_ } @all });
    kill 'KILL', @all;
}

sub DESTROY { my $self = shift; local ($@, $?); $self->stop if $self->{owner} == $$ }

1;
