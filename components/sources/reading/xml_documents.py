"""XML of a delivery: small, and without the means that XML bombs and letters to others are made of."""

from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from components.images.limits import ImageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_BYTES = 4 * 2**20


def xml_root(path: Path) -> "Element":
    """The document's root. A document type and entities are refused, in whatever encoding they are written. Raises
    ImageError, reasons 'too large' and 'not XML'."""
    if path.stat().st_size > _MAX_BYTES:
        raise ImageError("too large", f"an annotation or report in XML is not over {_MAX_BYTES} bytes")
    try:
        return ElementTree.fromstring(path.read_bytes(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise ImageError("not XML", f"a document type or an entity is not read ({type(error).__name__})") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ImageError("not XML", f"{error}; write the file again and copy it whole") from None
