"""SVG: shapes and their colours, read against an allow list and written anew (SVG 2).

An SVG is a document: it can hold scripts, styles, links, other documents, and references by which
a few hundred bytes draw billions of shapes. Pages show it in an `img`, where none of that runs, but
whoever opens its address opens a document of this server. So only what draws is taken, and whatever
else means something is refused by name; editors' notes are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from porta.images.image import Image, NoImage

LARGEST = 128 * 1024
"""Bytes of a drawing; one that has more is a picture."""
_NAMESPACE = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_DEEPEST, _MOST = 32, 5000  # levels, elements
_MOST_CUTS = 100  # uses of a mask or a clipping path, each of which draws all that is in it
_GRADIENTS = frozenset({"linearGradient", "radialGradient"})
_CUTTING = frozenset({"mask", "clip-path"})
_CUTS = frozenset({"mask", "clipPath"})
_CONTAINERS = "svg g defs clipPath mask linearGradient radialGradient"
_SHAPES = "path rect circle ellipse line polyline polygon stop"
_ELEMENTS = frozenset(_CONTAINERS.split()) | frozenset(_SHAPES.split())
_NOTES = frozenset({"title", "desc", "metadata"})
_DRAWING = (
    "id viewBox width height preserveAspectRatio transform d x y x1 y1 x2 y2 cx cy r rx ry fx"
    " fy fr points pathLength offset gradientUnits gradientTransform spreadMethod"
    " clipPathUnits maskUnits maskContentUnits fill fill-opacity fill-rule stroke stroke-width"
    " stroke-opacity stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray"
    " stroke-dashoffset opacity color stop-color stop-opacity clip-path clip-rule mask display"
    " visibility vector-effect paint-order shape-rendering mix-blend-mode isolation"
)
_ATTRIBUTES = frozenset(_DRAWING.split())
_PLAIN = re.compile(r"[A-Za-z0-9 \t\n.,#%()+-]{0,60000}")
_OWN = re.compile(r"""url\(\s*["']?#([A-Za-z_][\w.-]{0,99})["']?\s*\)""", re.ASCII)
_ID = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)
_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!--|!DOCTYPE|\w+:svg)", re.IGNORECASE)


def may_be(content: bytes) -> bool:
    """Whether `content` begins as an SVG may."""
    return _BEGINNING.match(content) is not None


def clean(content: bytes) -> Image:
    """Return the drawing of `content`. Raises NoImage, which names what is not taken."""
    if len(content) > LARGEST:
        raise NoImage(f"it is an SVG of more than {LARGEST // 1024} KB")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _check_doctype
    parser.ProcessingInstructionHandler = _refuse_instruction
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        if isinstance(error, NoImage):
            raise
        raise NoImage("it is an SVG that is no XML") from None
    return Image("".join(reader.written).encode(), "image/svg+xml", "svg")


def _check_doctype(name: str, system: str | None, public: str | None, subset: int) -> None:
    """The name of SVG 1.1 is nothing but a name: nobody fetches what it stands for."""
    del name, system, public
    if subset:
        raise NoImage("an SVG may define no entities")


def _refuse_instruction(*_: object) -> None:
    raise NoImage("an SVG may have no processing instructions")


class _Reader:
    """Writes what is allowed of what expat reads."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._depth = 0
        self._count = 0
        self._skipping = 0  # levels of what is left out, and not written
        self._cutting = 0  # levels within a mask or a clipping path
        self._cuts = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST or self._count > _MOST:
            raise NoImage(f"an SVG may have {_MOST} elements, {_DEEPEST} levels deep")
        if self._skipping or (self._depth > 1 and (namespace != _NAMESPACE or local in _NOTES)):
            self._skipping += 1
            return
        if local not in _ELEMENTS or (local == "svg") != (self._depth == 1):
            raise NoImage(f"an SVG may not have the element {_plain(local)} there")
        if namespace != _NAMESPACE:
            raise NoImage(f"it is no SVG: its namespace is not {_NAMESPACE}")
        if self._depth == 1:
            _check_size(attributes)
        found = dict(_attributes(local, attributes))
        self._check_cuts(local, found)
        spelled = "".join(f' {each}="{value}"' for each, value in found.items())
        root = f' xmlns="{_NAMESPACE}"' if self._depth == 1 else ""
        self.written.append(f"<{local}{root}{spelled}>")

    def end(self, name: str) -> None:
        self._depth -= 1
        if self._skipping:
            self._skipping -= 1
        else:
            local = name.rpartition(" ")[2]
            self._cutting -= local in _CUTS
            self.written.append(f"</{local}>")

    def _check_cuts(self, local: str, attributes: dict[str, str]) -> None:
        """A mask in a mask in a mask would draw twice as much with each (as entities would)."""
        self._cutting += local in _CUTS
        cuts = len(_CUTTING & attributes.keys())
        self._cuts += cuts
        if (cuts and self._cutting) or self._cuts > _MOST_CUTS:
            raise NoImage("masks and clipping paths of an SVG may not be within each other")

    def text(self, data: str) -> None:
        if not self._skipping and data.strip():
            raise NoImage("an SVG may have no text: turn it into paths")


def _attributes(element: str, given: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the attributes that draw; those of a `style` one by one, so that no page allows it."""
    found: dict[str, str] = {}
    for name, value in given.items():
        namespace, _, local = name.rpartition(" ")
        if name == "style":
            found |= _declarations(value)
        elif local == "href" and namespace in ("", _XLINK):
            if element not in _GRADIENTS or not _ID.fullmatch(value[1:]) or value[0] != "#":
                raise NoImage("by href, an SVG may only refer from one of its gradients to another")
            found["href"] = value
        elif not namespace and local.lower().startswith("on"):
            raise NoImage("an SVG may have no script")
        elif not namespace and local in _ATTRIBUTES:
            found.setdefault(local, value)
    for name, value in found.items():
        yield name, _checked(name, value)


def _declarations(style: str) -> dict[str, str]:
    found = {}
    for each in style.split(";"):
        name, _, value = each.partition(":")
        if name.strip() in _ATTRIBUTES:
            found[name.strip()] = value.strip()
    return found


def _checked(name: str, value: str) -> str:
    """Return a value, which holds no quote and no mark-up. Raises NoImage."""
    if name == "id":
        if not _ID.fullmatch(value):
            raise NoImage("an id of an SVG is made of letters, digits, '_', '-' and '.'")
        return value
    rest = _OWN.sub("", value)
    if not _PLAIN.fullmatch(rest) or "url" in rest.lower():
        raise NoImage(f"the attribute {name!r} of an SVG refers to something else, or is too long")
    return _OWN.sub(r"url(#\1)", value)


def _plain(name: str) -> str:
    return name[:40].encode("unicode_escape").decode("ascii")


def _check_size(attributes: dict[str, str]) -> None:
    if "viewBox" not in attributes and not {"width", "height"} <= attributes.keys():
        raise NoImage("an SVG needs a viewBox, or width and height")
