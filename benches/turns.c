/* What a turn of nginx's event loop takes: what lies between an epoll_wait() that came back and the
   next one. To be preloaded; each turn above MOST appends a line to the file that TURNS names: its
   milliseconds by the clock and of the processor, and how often the thread gave the processor up. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MOST 0.1

static int file = -1;
static __thread double began, used;
static __thread long waits;

/* Before nginx takes its environment away. */
__attribute__((constructor)) static void start(void) {
    const char *name = getenv("TURNS");
    file = name ? open(name, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
}

static double milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static long gave_up(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static void tell(double wall, double processor) {
    char line[80];
    int length = snprintf(line, sizeof line, "%.3f %.3f %ld\n", wall, processor, gave_up() - waits);
    if (file >= 0 && write(file, line, length) != length)
        abort();
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    static int (*next)(int, struct epoll_event *, int, int);
    if (!next)
        next = dlsym(RTLD_NEXT, "epoll_wait");
    if (began > 0) {
        double wall = milliseconds(CLOCK_MONOTONIC) - began;
        double processor = milliseconds(CLOCK_THREAD_CPUTIME_ID) - used;
        if (wall > MOST || processor > MOST)
            tell(wall, processor);
    }
    int found = next(epoll, events, most, timeout);
    waits = gave_up();
    used = milliseconds(CLOCK_THREAD_CPUTIME_ID);
    began = milliseconds(CLOCK_MONOTONIC);
    return found;
}
