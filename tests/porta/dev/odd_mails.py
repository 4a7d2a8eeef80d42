"""Messages that are off: what a program that is being written sends, or a spammer."""

from __future__ import annotations


def _mixed(body: bytes, kind: bytes = b"mixed; boundary=b") -> bytes:
    return b"Subject: odd\r\nContent-Type: multipart/" + kind + b"\r\n\r\n" + body


def _plain(header: bytes, body: bytes = b"hello\r\n") -> bytes:
    return b"Subject: odd\r\n" + header + b"\r\n\r\n" + body


def _nested(depth: int) -> bytes:
    levels = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    return b"Subject: odd\r\n" + b"".join(levels) + b"\r\nhello\r\n"


ODD: dict[str, bytes] = {
    "empty": b"",
    "no headers": b"\r\nhello\r\n",
    "no body": b"Subject: odd",
    "not a message": b"\x00\x01\xff\xfe" * 40,
    "NUL in a header": _plain(b"X-Nul: a\x00b"),
    "NUL in the body": _plain(b"X-A: b", b"a\x00b\r\n"),
    "lone carriage returns": b"Subject: odd\rX: y\r\rhello",
    "8-bit headers": b"Subject: \xff\xfe bin\r\nTo: \xc3\xa4@x.test\r\n\r\nhello \xff\r\n",
    "a header without a name": _plain(b": value"),
    "a huge header": _plain(b"To: " + b'"' * 200_000),
    "a huge subject": b"Subject: " + b"w " * 200_000 + b"\r\n\r\nhello\r\n",
    "comments within comments": _plain(b"From: " + b"(" * 3000),
    "an address that is not one": _plain(b'From: "'),
    "a Message-ID that is not one": _plain(b"Message-ID: <[a@b>"),
    "a Message-ID that is empty": _plain(b"Message-ID: <"),
    "a Content-Type that is not one": _plain(b"Content-Type: ;;;\r\nContent-Disposition: ;;"),
    "an encoded word of no UTF-8": _plain(b"Reply-To: =?utf-8?b?////?="),
    "an encoded word of no charset": b"Subject: =?nonsense?q?abc?=\r\n\r\nhello\r\n",
    "an encoded word of half a character": b"Subject: =?utf-7?q?+2AA-?=\r\n\r\nhello\r\n",
    "a charset that is not one": _plain(b"Content-Type: text/plain; charset=nonsense"),
    "a charset of HTML that is not one": _plain(b"Content-Type: text/html; charset=nonsense"),
    "a charset that is no text": _plain(b"Content-Type: text/html; charset=hex"),
    "a charset that always fails": _plain(b"Content-Type: text/plain; charset=undefined"),
    "a charset with NUL": _plain(b"Content-Type: text/plain; charset=a\x00b"),
    "half a character": _plain(b"Content-Type: text/plain; charset=utf-7", b"+2AA-\r\n"),
    "half a character in HTML": _plain(b"Content-Type: text/html; charset=utf-7", b"+2AA-\r\n"),
    "a parameter that counts too far": _plain(
        b"Content-Type: text/plain; charset*" + b"9" * 5000 + b"=utf-8"
    ),
    "a boundary that counts too far": _mixed(b"--b\r\n", b"mixed; boundary*" + b"9" * 5000 + b"=b"),
    "a file name of no charset": _plain(b"Content-Disposition: attachment; filename*=x''%ff"),
    "bad base64": _plain(b"Content-Transfer-Encoding: base64", b"a\xff=b!\r\n"),
    "bad quoted-printable": _plain(
        b"Content-Transfer-Encoding: quoted-printable", b"=\xff=G=\r\n="
    ),
    "bad uuencode": _plain(
        b"Content-Transfer-Encoding: x-uuencode", b"begin 9 \xff\r\n\xff\xff\r\n"
    ),
    "an encoding that is not one": _plain(b"Content-Transfer-Encoding: \xff nonsense"),
    "no boundary": _mixed(b"hello\r\n", b"alternative"),
    "an empty boundary": _mixed(b"--\r\n\r\nhello\r\n----\r\n", b'mixed; boundary=""'),
    "a boundary of 8 bits": _mixed(b"--\xff\r\n\r\nhello\r\n--\xff--\r\n", b"mixed; boundary=\xff"),
    "a boundary of half a character": _mixed(b"hello\r\n", b"mixed; boundary*=utf-7''+2AA-"),
    "a boundary that never comes": _mixed(b"hello\r\n"),
    "a boundary that never ends": _mixed(b"--b\r\n\r\nhello\r\n"),
    "a multipart without parts": _mixed(b"--b--\r\n"),
    "a part without headers": _mixed(b"--b\r\nhello\r\n--b--\r\n"),
    "a part of no charset": _mixed(
        b"--b\r\nContent-Type: text/html; charset=nonsense\r\n\r\nhello\r\n--b--\r\n"
    ),
    "a multipart that is base64": _mixed(
        b"--b\r\n\r\nhello\r\n--b--\r\n", b"mixed; boundary=b\r\nContent-Transfer-Encoding: base64"
    ),
    "an attachment alone": _plain(b"Content-Type: application/pdf", b"%PDF"),
    "a message in a message": _plain(b"Content-Type: message/rfc822", b"Subject: \xff\r\n\r\nhi"),
    "a report without a message": _plain(b"Content-Type: message/delivery-status", b"\r\n\r\n"),
    "parts within parts": _nested(200),
    "parts within parts without end": _nested(1000),
}
