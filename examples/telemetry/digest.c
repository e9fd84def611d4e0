/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

static bool begin(struct digest *digest)
{
    if (digest->context || digest->failed)
        return !digest->failed;
    digest->context = EVP_MD_CTX_new();
    digest->failed = !digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1;
    return !digest->failed;
}

void digest_add(struct digest *digest, proa_bytes bytes)
{
    if (begin(digest) && EVP_DigestUpdate(digest->context, bytes.data, bytes.size) != 1)
        digest->failed = true;
}

proa_bytes digest_sum(struct digest *digest, proa_arena *arena)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!begin(digest) || EVP_DigestFinal_ex(digest->context, sum, &size) != 1)
        return (proa_bytes){ 0 };
    return proa_arena_copy(arena, (proa_bytes){ (const char *)sum, size });
}

void digest_close(struct digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
}
