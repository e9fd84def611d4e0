/* SPDX-License-Identifier: Apache-2.0 */
/* Why a handshake or a record failed, in words: the table from OpenSSL's reasons and the alerts of RFC 8446 6 to one line. */
#include "io/tls.h"
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <stdio.h>
#include <string.h>

typedef struct row {
    int reason;
    const char *at_client; /* what a client says of its server */
    const char *at_server; /* what a server says of its client */
} row;

/* An alert of the peer has the reason 1000 and its number. */
#define ALERT(number) (SSL_AD_REASON_OFFSET + (number))

static const row rows[] = {
    { SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS: it answered in plaintext, or is no TLS server",
      "the client does not speak TLS: it sent plaintext" },
    { SSL_R_HTTP_REQUEST, "the server does not speak TLS", "the client does not speak TLS: it sent plaintext" },
    { SSL_R_PACKET_LENGTH_TOO_LONG, "the server does not speak TLS, or its record is too long",
      "the client does not speak TLS, or its record is too long" },
    { SSL_R_UNEXPECTED_MESSAGE, "the server sent a message out of place", "the client sent a message out of place" },
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the server sent no certificate", "the client sent no certificate" },
    { SSL_R_NO_APPLICATION_PROTOCOL, "the server does not offer HTTP/2 (ALPN h2)",
      "the client does not offer HTTP/2 (ALPN h2)" },
    { SSL_R_CALLBACK_FAILED, "the server does not offer HTTP/2 (ALPN h2)",
      "the client does not offer HTTP/2 (ALPN h2)" },
    { SSL_R_UNSUPPORTED_PROTOCOL, "the server speaks no TLS 1.2 or 1.3", "the client speaks no TLS 1.2 or 1.3" },
    { SSL_R_NO_SHARED_CIPHER, "no cipher in common with the server", "no cipher in common with the client" },
    { SSL_R_NO_SUITABLE_KEY_SHARE, "no key exchange in common with the server",
      "no key exchange in common with the client" },
    { SSL_R_CERTIFICATE_VERIFY_FAILED, "the server's certificate was refused", "the client's certificate was refused" },
    { SSL_R_EXCESSIVE_MESSAGE_SIZE, "the server's certificates are too large",
      "the client's certificates are too large" },
    { SSL_R_NO_RENEGOTIATION, "the server refuses a new handshake", "the client wants a new handshake" },
    { SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record of the server is damaged",
      "a record of the client is damaged" },
    { ALERT(SSL_AD_NO_APPLICATION_PROTOCOL), "the server does not offer HTTP/2 (ALPN h2)",
      "the client does not take HTTP/2 (ALPN h2)" },
    { ALERT(SSL_AD_CERTIFICATE_REQUIRED), "the server requires a client certificate",
      "the client requires a certificate" },
    { ALERT(SSL_AD_UNKNOWN_CA), "the server does not know the authority behind our certificate",
      "the client does not know the authority behind our certificate" },
    { ALERT(SSL_AD_CERTIFICATE_EXPIRED), "the server says that our certificate has expired",
      "the client says that our certificate has expired" },
    { ALERT(SSL_AD_BAD_CERTIFICATE), "the server refused our certificate", "the client refused our certificate" },
    { ALERT(SSL_AD_UNSUPPORTED_CERTIFICATE), "the server refused our certificate: it is not for a client",
      "the client refused our certificate: it is not for a server" },
    { ALERT(SSL_AD_CERTIFICATE_UNKNOWN), "the server refused our certificate", "the client refused our certificate" },
    { ALERT(SSL_AD_PROTOCOL_VERSION), "the server speaks no TLS 1.2 or 1.3", "the client speaks no TLS 1.2 or 1.3" },
};

static const row *find(int reason)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].reason == reason)
            return &rows[i];
    return NULL;
}

static void say_alert(bool is_server, int alert, char *out, size_t size)
{
    snprintf(out, size, "the %s ended it with the alert \"%s\" (%d)", is_server ? "client" : "server",
             SSL_alert_desc_string_long(alert), alert);
}

void tls_reason(bool is_server, const char *problem, char *out, size_t size)
{
    unsigned long code = ERR_peek_error(); /* the first is the cause, what follows are consequences */
    int reason = ERR_GET_REASON(code);
    const row *known = ERR_GET_LIB(code) == ERR_LIB_SSL ? find(reason) : NULL;
    const char *words = ERR_reason_error_string(code);
    if (*problem)
        snprintf(out, size, "%s", problem);
    else if (known)
        snprintf(out, size, "%s", is_server ? known->at_server : known->at_client);
    else if (reason == ERR_R_MALLOC_FAILURE)
        snprintf(out, size, "out of memory");
    else if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        say_alert(is_server, reason - SSL_AD_REASON_OFFSET, out, size);
    else
        snprintf(out, size, "%s", words ? words : "it failed");
}
