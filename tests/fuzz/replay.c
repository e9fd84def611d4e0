/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one fuzz target without a fuzzer: over every file of the folders that it is given, then over the empty input and
 * seeded mutations of these files, so that the corpus is a plain test with any compiler. A failure of the target is its
 * own abort; the name of the input is printed before it runs when PROA_REPLAY_VERBOSE is set.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MUTATIONS_PER_FILE = 16, RANDOM_INPUTS = 256, RANDOM_SIZE_MAX = 512 };

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A copy of exactly `size` bytes, so that a read behind the input is one behind the allocation. */
static void run(const char *name, const uint8_t *data, size_t size)
{
    if (getenv("PROA_REPLAY_VERBOSE"))
        fprintf(stderr, "%s (%zu bytes)\n", name, size);
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        exit(2);
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_mutations(const char *name, uint8_t *data, size_t size)
{
    for (int i = 0; i < MUTATIONS_PER_FILE && size; i++) {
        size_t at = (size_t)(next_random() % size);
        uint8_t was = data[at];
        data[at] = (uint8_t)next_random();
        run(name, data, i % 4 == 3 ? at : size);
        data[at] = was;
    }
}

static uint8_t *read_file(const char *path, size_t *size)
{
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
        return NULL;
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc((size_t)facts.st_size + 1);
    if (!file || !data)
        exit(2);
    *size = fread(data, 1, (size_t)facts.st_size, file);
    fclose(file);
    return data;
}

static unsigned run_path(const char *path)
{
    size_t size = 0;
    uint8_t *data = read_file(path, &size);
    if (!data)
        return 0;
    run(path, data, size);
    run_mutations(path, data, size);
    free(data);
    return 1;
}

static unsigned run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return run_path(path);
    unsigned files = 0;
    for (int i = 0; i < count; i++) {
        char name[4096];
        if (snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name) < (int)sizeof name)
            files += run_path(name);
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++)
        files += run_folder(argv[i]);
    run("empty", (const uint8_t *)"", 0);
    for (int i = 0; i < RANDOM_INPUTS; i++) {
        uint8_t data[RANDOM_SIZE_MAX];
        size_t size = (size_t)(next_random() % sizeof data);
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)next_random();
        run("random", data, size);
    }
    printf("%u corpus files, %d random inputs\n", files, RANDOM_INPUTS);
    return 0;
}
