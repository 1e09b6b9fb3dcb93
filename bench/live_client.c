/* Many WebSocket clients in one epoll loop, so that the receiving side is not what is measured.

       live_client PORT PATH COUNT FIRST STUCK MESSAGE...

   Opens COUNT sockets, some at a time, sends each MESSAGE on every one ("%d" in it is the number of the socket), and
   prints "ready" when each has received FIRST objects. Pings are answered. The last STUCK sockets then read no more.
   Standard input is obeyed:

       start             count from zero, and record every arrival from now on
       count             count from zero, and record nothing
       report PATH       one line of JSON with what was counted; arrivals go to PATH (three 32-bit numbers each:
                         microseconds since start, socket, payload) and payloads to PATH.payloads, one a line, and
                         "written" is said then, if PATH is not /dev/null
       end               the same as end of file: read what the stuck have not read, close everything, print the codes

   A frame holds objects with a newline between them; an arrival is one object. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 64            /* handshakes in flight */
#define AN_ADDRESS 20000      /* sockets from each of 127.0.0.1, 127.0.0.2, ...: ports are fewer than 32,768 */
#define CODES 5000            /* close codes and HTTP statuses; below 200: an errno, 0: an end without a close frame */
#define PAYLOADS (1u << 21)   /* twice the different ones that can be told apart */
#define MOST_ARRIVALS 60000000u
#define STUCK_BUFFER 2048     /* bytes: so that what a stuck reader is sent backs up in the server within seconds */
#define RETRY_AFTER 0.5       /* seconds after a refused handshake */

enum state { CONNECTING, ASKED, OPEN, CLOSED };

struct peer {
    int fd, number, first;
    enum state state;
    double again;             /* when to try again after a refusal */
    unsigned char *held;      /* a frame of which a part is missing */
    uint32_t length;
};

struct payload {
    uint64_t hash;
    uint32_t length, id;
    char *text;
};

static struct peer *peers;
static int count, first, stuck, epoll, opening, opened, awaited, next_peer, message_count;
static const char *path;
static char **messages;
static struct sockaddr_in server = {.sin_family = AF_INET};

static long frames, objects, bytes, pings, kinds[128], untraced;
static long closed[CODES], refused[CODES];
static int recording;
static double since;
static struct payload *table;
static uint32_t payload_count, arrival_count, (*arrivals)[3];
static char **payloads;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

/* ---- what arrives ---- */

static uint32_t interned(const char *text, uint32_t length) {
    uint64_t hash = 14695981039346656037u;
    for (uint32_t each = 0; each < length; each++) hash = (hash ^ (unsigned char)text[each]) * 1099511628211u;
    uint32_t slot = hash % PAYLOADS;
    while (table[slot].text && (table[slot].hash != hash || table[slot].length != length)) slot = (slot + 1) % PAYLOADS;
    if (!table[slot].text) {
        if (payload_count == PAYLOADS / 2) return UINT32_MAX;
        table[slot] = (struct payload){hash, length, payload_count, strndup(text, length)};
        payloads[payload_count++] = table[slot].text;
    }
    return table[slot].id;
}

static void record(const struct peer *peer, const char *text, uint32_t length, double at) {
    uint32_t id = arrival_count < MOST_ARRIVALS ? interned(text, length) : UINT32_MAX;
    if (id == UINT32_MAX) untraced++;
    else {
        uint32_t *row = arrivals[arrival_count++];
        row[0] = (at - since) * 1e6, row[1] = peer->number, row[2] = id;
    }
}

static void forget(void) {
    for (uint32_t each = 0; each < payload_count; each++) free(payloads[each]);
    if (payload_count) memset(table, 0, PAYLOADS * sizeof *table);
    memset(kinds, 0, sizeof kinds);
    payload_count = arrival_count = 0;
    frames = objects = bytes = pings = untraced = 0;
    since = now();
}

/* ---- what is sent ---- */

static void send_frame(struct peer *peer, int opcode, const char *text, int length) {
    unsigned char frame[4200] = {0x80 | opcode, 0x80 | (length < 126 ? length : 126)};
    int at = 2;
    if (length > 4096) fail("a message is too long");
    if (length >= 126) frame[at++] = length >> 8, frame[at++] = length;
    at += 4; /* a mask of zeros: masked, as clients have to, and yet as it is */
    memcpy(frame + at, text, length);
    if (send(peer->fd, frame, at + length, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) fail("send");
}

static void send_messages(struct peer *peer) {
    char text[4096];
    for (int each = 0; each < message_count; each++) {
        const char *mark = strstr(messages[each], "%d");
        int length = mark ? snprintf(text, sizeof text, "%.*s%d%s", (int)(mark - messages[each]), messages[each],
                                     peer->number, mark + 2)
                          : snprintf(text, sizeof text, "%s", messages[each]);
        send_frame(peer, 1, text, length);
    }
}

/* ---- the life of a socket ---- */

static void end(struct peer *peer, int code) {
    if (peer->state == CLOSED) return;
    if (peer->state == OPEN) closed[code < CODES ? code : CODES - 1]++;
    if (peer->state != OPEN) opening--;
    if (peer->state == OPEN && peer->first < first) awaited--; /* nobody waits for it any more: `closed` tells */
    peer->state = CLOSED;
    close(peer->fd);
    free(peer->held);
    peer->held = NULL, peer->length = 0;
}

static void start(struct peer *peer) {
    int on = 1, small = STUCK_BUFFER;
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + peer->number / AN_ADDRESS)};
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (peer->fd < 0) fail("socket (see ulimit -n)");
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(peer->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (peer->number >= count - stuck) setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(peer->fd, (struct sockaddr *)&own, sizeof own)) fail("bind");
    if (connect(peer->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) fail("connect");
    peer->state = CONNECTING;
    opening++;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event);
}

static void shake_hands(struct peer *peer) {
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Protocol: lb.v1\r\n\r\n",
                          path, ntohs(server.sin_port));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
    peer->state = ASKED;
    if (send(peer->fd, request, length, MSG_NOSIGNAL) != length) end(peer, 0), peer->again = now() + RETRY_AFTER;
}

static void object(struct peer *peer, const char *text, uint32_t length, double at) {
    static const char PONG[] = "{\"op\":\"pong\"}", PING[] = "{\"t\":\"p\"";
    objects++;
    if (length >= sizeof PING - 1 && !memcmp(text, PING, sizeof PING - 1)) {
        pings++;
        send_frame(peer, 1, PONG, sizeof PONG - 1);
        return;
    }
    if (length > 6) kinds[text[6] & 127]++; /* the first letter after {"t":" */
    if (peer->first < first && ++peer->first == first) {
        awaited--, opened++;
        if (peer->number >= count - stuck) epoll_ctl(epoll, EPOLL_CTL_DEL, peer->fd, NULL);
    }
    if (recording) record(peer, text, length, at);
}

static void frame(struct peer *peer, int opcode, const char *text, uint32_t length, double at) {
    if (opcode == 8) {
        send_frame(peer, 8, text, length < 2 ? 0 : 2);
        end(peer, length < 2 ? 1005 : (unsigned char)text[0] << 8 | (unsigned char)text[1]);
    }
    else if (opcode == 9) send_frame(peer, 10, text, length);
    else if (opcode == 1) {
        frames++;
        for (const char *stop = text + length; text < stop && peer->state == OPEN;) {
            const char *line = memchr(text, '\n', stop - text);
            if (!line) line = stop;
            object(peer, text, line - text, at);
            text = line + 1;
        }
    }
}

/* The frames in `data`; how many bytes they are. */
static uint32_t take_frames(struct peer *peer, const unsigned char *data, uint32_t length, double at) {
    uint32_t done = 0;
    while (peer->state == OPEN && length - done >= 2) {
        const unsigned char *head = data + done;
        uint32_t size = head[1] & 127, start = 2;
        if (size == 126) start = 4;
        if (size == 127) start = 10;
        if (length - done < start) break;
        if (start == 4) size = head[2] << 8 | head[3];
        if (start == 10) size = (uint32_t)head[6] << 24 | head[7] << 16 | head[8] << 8 | head[9];
        if (length - done - start < size) break;
        done += start + size;
        bytes += start + size;
        frame(peer, head[0] & 15, (const char *)head + start, size, at);
    }
    return done;
}

/* The answer to the handshake in `data`; how many bytes it is, 0 while it is not whole. */
static uint32_t take_answer(struct peer *peer, const unsigned char *data, uint32_t length) {
    const unsigned char *stop = memmem(data, length, "\r\n\r\n", 4);
    if (!stop) return 0;
    int status = length > 12 ? atoi((const char *)data + 9) : 0;
    if (status != 101) {
        refused[status > 0 && status < CODES ? status : 0]++;
        end(peer, 0);
        peer->again = now() + RETRY_AFTER;
        return length;
    }
    peer->state = OPEN;
    opening--;
    if (!first) awaited--, opened++;
    send_messages(peer);
    return stop + 4 - data;
}

static void take(struct peer *peer, double at) {
    static unsigned char buffer[1 << 20];
    uint32_t length = peer->length, done = 0;
    memcpy(buffer, peer->held, length);
    ssize_t got = recv(peer->fd, buffer + length, sizeof buffer - length, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        enum state before = peer->state;
        int why = got < 0 ? errno : 0;
        end(peer, why);
        if (before != OPEN) refused[why]++, peer->again = now() + RETRY_AFTER;
        return;
    }
    length += got;
    if (peer->state == ASKED) done = take_answer(peer, buffer, length);
    if (peer->state == OPEN) done += take_frames(peer, buffer + done, length - done, at);
    if (peer->state == CLOSED) return;
    peer->length = length - done;
    peer->held = realloc(peer->held, peer->length ? peer->length : 1);
    memcpy(peer->held, buffer + done, peer->length);
}

/* ---- what is reported ---- */

static void print_codes(const char *name, const long *codes) {
    const char *comma = "";
    printf("\"%s\":{", name);
    for (int code = 0; code < CODES; code++)
        if (codes[code]) printf("%s\"%d\":%ld", comma, code, codes[code]), comma = ",";
    printf("}");
}

static void report(const char *file) {
    struct rusage used;
    char name[4096];
    getrusage(RUSAGE_SELF, &used);
    printf("{\"since\":%.6f,\"until\":%.6f,\"frames\":%ld,\"objects\":%ld,\"bytes\":%ld,\"pings\":%ld,\"untraced\":%ld,"
           "\"cpu\":%.6f,\"kinds\":{",
           since, now(), frames, objects, bytes, pings, untraced,
           used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    const char *comma = "";
    for (int kind = 0; kind < 128; kind++)
        if (kinds[kind]) printf("%s\"%c\":%ld", comma, kind, kinds[kind]), comma = ",";
    printf("},");
    print_codes("closed", closed);
    printf(",");
    print_codes("refused", refused);
    printf("}\n");
    fflush(stdout);
    if (!file || !recording || !strcmp(file, "/dev/null")) return;
    FILE *out = fopen(file, "wb");
    if (!out || fwrite(arrivals, sizeof *arrivals, arrival_count, out) != arrival_count || fclose(out)) fail(file);
    snprintf(name, sizeof name, "%s.payloads", file);
    if (!(out = fopen(name, "wb"))) fail(name);
    for (uint32_t each = 0; each < payload_count; each++) fprintf(out, "%s\n", payloads[each]);
    if (fclose(out)) fail(name);
    printf("written\n");
    fflush(stdout);
}

/* The stuck read what there is for them: a close frame, or a reset. */
static void finish(void) {
    for (int each = 0; each < count; each++) {
        struct peer *peer = &peers[each];
        for (int reads = 0; reads < 1000 && peer->state == OPEN && peer->number >= count - stuck; reads++) {
            long before = bytes;
            take(peer, now());
            if (bytes == before) break;
        }
    }
    report(NULL);
    exit(0);
}

static void obey(void) {
    char line[4096];
    if (!fgets(line, sizeof line, stdin) || !strncmp(line, "end", 3)) finish();
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, "start") || !strcmp(line, "count")) forget(), recording = line[0] == 's';
    else if (!strncmp(line, "report ", 7)) report(line + 7);
    else fail(line);
}

/* ---- the loop ---- */

static void open_more(double at) {
    while (next_peer < count && opening < AT_ONCE) start(&peers[next_peer++]);
    for (int each = 0; each < next_peer && opening < AT_ONCE && opened + opening < count; each++)
        if (peers[each].again && peers[each].again <= at) peers[each].again = 0, start(&peers[each]);
}

static void handle(const struct epoll_event *event) {
    struct peer *peer = event->data.ptr;
    if (!peer) obey();
    else if (peer->state == CLOSED) return;
    else if (peer->state == CONNECTING) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error) refused[error]++, end(peer, 0), peer->again = now() + RETRY_AFTER;
        else shake_hands(peer);
    } else take(peer, now());
}

int main(int argument_count, char **arguments) {
    if (argument_count < 6) return 2;
    server.sin_port = htons(atoi(arguments[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    path = arguments[2], count = awaited = atoi(arguments[3]), first = atoi(arguments[4]), stuck = atoi(arguments[5]);
    messages = arguments + 6, message_count = argument_count - 6;
    peers = calloc(count, sizeof *peers);
    table = calloc(PAYLOADS, sizeof *table);
    payloads = calloc(PAYLOADS / 2, sizeof *payloads);
    arrivals = calloc(MOST_ARRIVALS, sizeof *arrivals); /* the kernel gives a page when it is written to */
    if (!peers || !table || !payloads || !arrivals) fail("memory");
    for (int each = 0; each < count; each++) peers[each].number = each;
    epoll = epoll_create1(0);
    setvbuf(stdin, NULL, _IONBF, 0);
    struct epoll_event events[1024] = {{.events = EPOLLIN}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, events);
    for (int said = 0;;) {
        if (next_peer < count || awaited) open_more(now());
        if (!awaited && !said) said = 1, report(NULL), printf("ready\n"), fflush(stdout);
        int ready = epoll_wait(epoll, events, 1024, awaited ? 20 : -1);
        for (int each = 0; each < ready; each++) handle(&events[each]);
    }
}
