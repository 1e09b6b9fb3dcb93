/* The floor of a broadcast: one frame by send() to each of COUNT loopback sockets, and nothing else.

       send_loop COUNT

   It prints its port, shakes hands with COUNT WebSocket clients (any answer will do for ours), prints "ready", and then
   obeys its standard input: "go SIZE PERIOD_MS ROUNDS" sends ROUNDS frames of SIZE bytes to everybody, one each period,
   and prints what that cost as a line of JSON. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#define HEADER 4 /* of a frame of 126 to 65,535 bytes */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void wait_until(double due) {
    double left = due - now();
    if (left <= 0) return;
    struct timespec pause = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
    nanosleep(&pause, NULL);
}

static int listening(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) || listen(fd, 4096)) fail("listen");
    getsockname(fd, (struct sockaddr *)&at, &length);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static int accepted(int listener) {
    char request[2048];
    size_t held = 0;
    int on = 1, fd = accept(listener, NULL, NULL);
    if (fd < 0) fail("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (held < 4 || memcmp(request + held - 4, "\r\n\r\n", 4)) {
        ssize_t got = recv(fd, request + held, 1, 0); /* no further: what follows is left alone */
        if (got <= 0 || ++held == sizeof request) fail("handshake");
    }
    if (send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) fail("handshake");
    return fd;
}

/* A text frame: the number of the round, so that frames differ, and spaces. SIZE is that of the whole frame. */
static void make(unsigned char *frame, int size, int round) {
    int payload = size - (size > 127 ? HEADER : 2);
    memset(frame, ' ', size);
    frame[0] = 0x81;
    frame[1] = size > 127 ? 126 : payload;
    if (size > 127) frame[2] = payload >> 8, frame[3] = payload;
    char text[32];
    memcpy(frame + size - payload, text, snprintf(text, sizeof text, "{\"t\":\"d\",\"off\":%d}", round));
}

static void broadcast(const int *fds, int count, int size, int period_ms, int rounds) {
    static unsigned char frame[65536];
    long sent = 0, skipped = 0;
    double wall = 0, used = cpu(), began = now();
    for (int round = 0; round < rounds; round++) {
        wait_until(began + round * period_ms / 1e3);
        double at = now();
        make(frame, size, round);
        for (int each = 0; each < count; each++)
            if (send(fds[each], frame, size, MSG_NOSIGNAL | MSG_DONTWAIT) == size) sent++;
            else skipped++;
        wall += now() - at;
    }
    used = cpu() - used;
    printf("{\"frames\":%ld,\"skipped\":%ld,\"cpu\":%.6f,\"wall\":%.6f}\n", sent, skipped, used, wall);
    fflush(stdout);
}

int main(int count_of, char **arguments) {
    int count = count_of == 2 ? atoi(arguments[1]) : 0, size, period, rounds;
    int *fds = calloc(count, sizeof *fds), listener = listening();
    for (int each = 0; each < count; each++) fds[each] = accepted(listener);
    printf("ready\n");
    fflush(stdout);
    while (scanf(" go %d %d %d", &size, &period, &rounds) == 3) {
        if (size < 34 || size > 65535) return 2;
        broadcast(fds, count, size, period, rounds);
    }
    return 0;
}
