/* Shifts the wall clock of a program that is started with this in LD_PRELOAD.

   CLOCK_SHIFT_FILE names a file of eight bytes, a little-endian int64: microseconds that the wall
   clock is ahead. It is mapped, so that what is written to it counts at once. Clocks that measure
   durations, such as CLOCK_MONOTONIC, stay as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_gettime)(clockid_t, struct timespec *);
static volatile int64_t *shift_us;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK_SHIFT_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) shift_us = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real_gettime) begin(); /* Other libraries' constructors may come first. */
    int failed = real_gettime(clock, now);
    if (failed || !shift_us) return failed;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        int64_t ns = now->tv_nsec + (*shift_us % 1000000) * 1000;
        int64_t carry = ns < 0 ? -1 : ns / 1000000000;
        now->tv_sec += *shift_us / 1000000 + carry;
        now->tv_nsec = ns - carry * 1000000000;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return (time_t)-1;
    if (out) *out = precise.tv_sec;
    return precise.tv_sec;
}
