/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Calls `line` for each line of a file until it says false. */
static void each_line(const char *path, bool (*line)(char *text, void *user), void *user)
{
    FILE *file = fopen(path, "r");
    char text[1024];
    if (!file)
        return;
    while (fgets(text, sizeof text, file) && line(text, user))
        ;
    fclose(file);
}

struct memory {
    unsigned long long total_kib, available_kib;
};

static bool memory_line(char *text, void *user)
{
    struct memory *memory = user;
    sscanf(text, "MemTotal: %llu kB", &memory->total_kib);
    return sscanf(text, "MemAvailable: %llu kB", &memory->available_kib) != 1;
}

/* ---- What the host is. */

struct mounts {
    telemetry_Facts *facts;
    proa_arena *arena;
};

#define MOUNTS_MAX 16

/* "/dev/vda1 / ext4 rw,… 0 0": devices and the root alone, the rest is the kernel's own. */
static bool mount_line(char *text, void *user)
{
    struct mounts *mounts = user;
    telemetry_Mount_list *list = &mounts->facts->mounts;
    char device[256], path[256];
    struct statvfs fs;
    if (sscanf(text, "%255s %255s", device, path) != 2)
        return true;
    if ((device[0] != '/' && strcmp(path, "/") != 0) || statvfs(path, &fs) != 0)
        return true;
    list->data[list->count++] = (telemetry_Mount){
        .path = proa_arena_copy(mounts->arena, proa_bytes_of(path)),
        .size_bytes = (uint64_t)fs.f_blocks * fs.f_frsize,
    };
    return list->count < MOUNTS_MAX;
}

static void add_label(telemetry_Facts *facts, proa_bytes key, proa_bytes value)
{
    facts->labels.data[facts->labels.count].key = key;
    facts->labels.data[facts->labels.count++].value = value;
}

void host_describe(telemetry_Facts *facts, proa_arena *arena)
{
    struct utsname name;
    struct timespec up;
    struct memory memory = { 0 };
    if (uname(&name) == 0)
        facts->host = proa_arena_copy(arena, proa_bytes_of(name.nodename));
    facts->cpus = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (clock_gettime(CLOCK_BOOTTIME, &up) == 0)
        PROA_SET(facts->uptime_s, up.tv_sec);

    facts->mounts.data = proa_arena_alloc(arena, MOUNTS_MAX * sizeof *facts->mounts.data);
    if (facts->mounts.data)
        each_line("/proc/mounts", mount_line, &(struct mounts){ facts, arena });

    facts->labels.data = proa_arena_alloc(arena, 3 * sizeof *facts->labels.data);
    if (!facts->labels.data)
        return; /* the arena knows: encoding the answer fails */
    add_label(facts, PROA_STR("kernel"), proa_arena_format(arena, "%s %s", name.sysname, name.release));
    add_label(facts, PROA_STR("machine"), proa_arena_format(arena, "%s", name.machine));
    each_line("/proc/meminfo", memory_line, &memory);
    add_label(facts, PROA_STR("memory_bytes"), proa_arena_format(arena, "%llu", memory.total_kib * 1024));
}

/* ---- How loaded it is. */

struct cpus {
    struct sampler *sampler;
    size_t count;
};

/* "cpu3 user nice system idle iowait irq softirq steal …", in ticks since the start; "cpu " is the sum of all. */
static bool cpu_line(char *text, void *user)
{
    struct cpus *cpus = user;
    struct sampler *s = cpus->sampler;
    unsigned long long t[8];
    size_t i = cpus->count;
    if (strncmp(text, "cpu ", 4) == 0)
        return true;
    if (i == SAMPLER_CPUS_MAX || sscanf(text, "cpu%*u %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2],
                                        &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
        return false;
    uint32_t idle = (uint32_t)(t[3] + t[4]);
    uint32_t busy = (uint32_t)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]);
    uint32_t busy_now = busy - s->busy[i], total_now = busy + idle - s->total[i]; /* differences survive the wrap */
    s->cpu[i] = total_now ? (float)busy_now / (float)total_now : 0;
    s->busy[i] = busy;
    s->total[i] = busy + idle;
    cpus->count++;
    return true;
}

static bool load_line(char *text, void *user)
{
    sscanf(text, "%lf", (double *)user);
    return false;
}

void host_sample(struct sampler *sampler, telemetry_Sample *sample)
{
    struct timespec now;
    struct memory memory = { 0 };
    struct cpus cpus = { .sampler = sampler };
    clock_gettime(CLOCK_REALTIME, &now);
    sample->time_ns = now.tv_sec * PROA_SECOND + now.tv_nsec;
    each_line("/proc/loadavg", load_line, &sample->load);
    each_line("/proc/meminfo", memory_line, &memory);
    sample->memory_used = (memory.total_kib - memory.available_kib) * 1024;
    each_line("/proc/stat", cpu_line, &cpus);
    sample->cpu = (proa_list_float){ sampler->cpu, cpus.count };
}
