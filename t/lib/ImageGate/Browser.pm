package ImageGate::Browser;

# A headless Chromium, driven by WebDriver's HTTP (https://www.w3.org/TR/webdriver2/).
#
#     my $b = ImageGate::Browser->start or plan skip_all => 'no Chromium';
#     $b->show(width => 390, height => 844, scheme => 'dark');
#     $b->go('http://...');  $b->click('#pause');  $b->run('return document.title');

use strict;
use warnings;

use File::Temp ();
use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(sleep time);

use ImageGate::Server qw(free_port);

my $json = JSON::PP->new->utf8->allow_nonref;

sub start {
    my ($class, @own) = @_;
    my $port = free_port();
    my $profile = File::Temp::tempdir('image-gate-browser-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $pid = fork;
    die "fork: $!" if !defined $pid;
    if (!$pid) {
        # A group of its own: the browser has many processes.
        setpgrp 0, 0;
        open STDOUT, '>', "$profile.log";
        open STDERR, '>&', \*STDOUT;
        exec 'chromedriver', "--port=$port" or POSIX::_exit(127);
    }
    my $self = bless { pid => $pid, owner => $$, profile => $profile, session => '',
                       base => "http://127.0.0.1:$port", http => HTTP::Tiny->new(timeout => 60) }, $class;
    my $end = time + 30;
    until ($self->{http}->get("$self->{base}/status")->{success}) {
        die "chromedriver does not start\n" if time > $end;
        sleep 0.1;
    }
    my @flags = qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
                   --disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb);
    my $session = $self->call(POST => '/session', { capabilities => { alwaysMatch => {
        'goog:loggingPrefs' => { browser => 'ALL' },
        'goog:chromeOptions' => { args => [@flags, "--user-data-dir=$profile", @own] },
    } } });
    $self->{session} = "/session/$session->{sessionId}";
    return $self;
}

sub call {
    my ($self, $method, $path, $body) = @_;
    my $r = $self->{http}->request($method, "$self->{base}$self->{session}$path",
        { defined $body ? (content => $json->encode($body), headers => { 'Content-Type' => 'application/json' }) : () });
    my $answer = eval { $json->decode($r->{content}) };
    die "webdriver: $method $path: $r->{status} $r->{content}\n" if !$r->{success} || !$answer;
    return $answer->{value};
}

sub devtools { my ($self, $command, %o) = @_; return $self->call(POST => '/goog/cdp/execute', { cmd => $command, params => \%o }) }

# The size of the window and whether the visitor likes it dark.
sub show {
    my ($self, %o) = @_;
    $self->devtools('Emulation.setDeviceMetricsOverride', width => $o{width}, height => $o{height},
        deviceScaleFactor => $o{scale} || 1, mobile => $o{width} < 500 ? JSON::PP::true : JSON::PP::false);
    $self->devtools('Emulation.setEmulatedMedia', features => [{ name => 'prefers-color-scheme', value => $o{scheme} }]);
}

sub go { my ($self, $url) = @_; return $self->call(POST => '/url', { url => $url }) }

sub run { my ($self, $script, @arguments) = @_; return $self->call(POST => '/execute/sync', { script => $script, args => \@arguments }) }

# Waits until a script answers something true; gives that.
sub wait_for {
    my ($self, $seconds, $script, @arguments) = @_;
    my $end = time + $seconds;
    my $value;
    until ($value = $self->run($script, @arguments)) {
        last if time > $end;
        sleep 0.1;
    }
    return $value;
}

sub element {
    my ($self, $selector) = @_;
    my ($id) = values %{ $self->call(POST => '/element', { using => 'css selector', value => $selector }) };
    return $id;
}

# A real click: what lies under something else, or outside, can't be clicked.
sub click { my ($self, $selector) = @_; return $self->call(POST => '/element/' . $self->element($selector) . '/click', {}) }

sub type { my ($self, $selector, $text) = @_; return $self->call(POST => '/element/' . $self->element($selector) . '/value', { text => $text }) }

# Keys to whatever has the focus; names as in WebDriver: Tab, Enter, ArrowLeft.
sub press {
    my ($self, @keys) = @_;
    my %code = (Tab => "\x{E004}", Enter => "\x{E007}", Escape => "\x{E00C}", ArrowLeft => "\x{E012}", ArrowRight => "\x{E014}", ArrowDown => "\x{E015}", Home => "\x{E011}");
    my @actions = map { my $value = $code{$_} || $_; ({ type => 'keyDown', value => $value }, { type => 'keyUp', value => $value }) } @keys;
    return $self->call(POST => '/actions', { actions => [{ type => 'key', id => 'keyboard', actions => \@actions }] });
}

sub screenshot {
    my ($self, $path) = @_;
    open my $out, '>:raw', $path or die "$path: $!";
    print $out decode_base64($self->call(GET => '/screenshot'));
    close $out or die "$path: $!";
}

# What the console says since it was asked last.
sub console { my $self = shift; return map { "$_->{level} $_->{message}" } @{ $self->call(POST => '/se/log', { type => 'browser' }) } }

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    eval { $self->call(DELETE => '') } if $self->{session};
    kill 'TERM', -$pid;
    # One that waits for its browser, or the other way round, is not waited for.
    my $end = time + 5;
    until (waitpid($pid, POSIX::WNOHANG()) != 0) {
        kill 'KILL', -$pid if time > $end;
        sleep 0.05;
    }
    unlink "$self->{profile}.log";
}

sub DESTROY { my $self = shift; local ($@, $?, $!); $self->stop if $self->{owner} == $$ }

1;
