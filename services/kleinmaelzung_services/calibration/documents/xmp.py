"""The XMP packet of a PDF/A: title, language and times in; XML out. Pure.

fpdf2 would write the current time into its own, and declare all namespaces in one place, which some checkers refuse.
Every value here is the one of the document's Info, as PDF/A demands.
"""

from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

from kleinmaelzung_services.calibration.documents.texts import Language

_PACKET: Final = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
   <pdfaid:part>3</pdfaid:part>
   <pdfaid:conformance>U</pdfaid:conformance>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:format>application/pdf</dc:format>
   <dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <xmp:CreatorTool>{creator}</xmp:CreatorTool>
   <xmp:CreateDate>{written_at}</xmp:CreateDate>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
   <pdf:Producer>{producer}</pdf:Producer>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"""


def packet(*, title: str, language: Language, creator: str, producer: str, written_at: datetime) -> str:
    return _PACKET.format(
        title=escape(title),
        language=language,
        creator=escape(creator),
        producer=escape(producer),
        written_at=written_at.astimezone(UTC).isoformat(timespec="seconds"),
    )
