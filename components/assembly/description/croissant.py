"""`croissant.json`: the data set in the words that data-set search and loaders know (Croissant 1.0, mlcommons.org/croissant/1.0)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from components.assembly.description.card import LIMITS, NOT_PASSED_ON, PREPARATION, TITLE, WHAT, personal

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_CITE = (
    "@article{unimedvl, title={UniMedVL: Unifying Medical Multimodal Understanding and Generation}, "
    "journal={arXiv:2510.15710}, year={2025}}"
)


def croissant(manifest: Mapping[str, Any], schemas: Mapping[str, pa.Schema]) -> dict[str, Any]:
    """The description of the data set of this manifest; `schemas`: kind of shard -> its columns."""
    licences = sorted({text for texts in manifest["licences"].values() for text in texts})
    private = [
        f"{source}: {'; '.join(f'{what}: {done}' for what, done in did.items())}"
        for source, did in manifest["private"].items()
    ]
    lent = [f"{source}: {terms}" for source, terms in manifest["lent"].items()]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": "unimed",
        "alternateName": TITLE,
        "description": WHAT,
        "version": f"1.0.0+{manifest['dataset_id'][:12]}",
        "license": licences,
        "url": f"urn:unimed:dataset:{manifest['dataset_id']}",
        "citeAs": _CITE,
        "rai:dataCollection": "; ".join(
            f"{name}: {account['raw']} records" for name, account in manifest["sources"].items()
        ),
        "rai:dataPreprocessingProtocol": list(PREPARATION),
        "rai:dataLimitations": [*LIMITS, *manifest["provenance"].values()],
        **({"conditionsOfAccess": [NOT_PASSED_ON, *lent]} if lent else {}),
        "rai:personalSensitiveInformation": [*personal(manifest), *private],
        "distribution": [_file(shard) for shard in manifest["shards"]],
        "recordSet": [_record_set(shard, schemas[shard["kind"]]) for shard in manifest["shards"]],
    }


def _file(shard: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard["file"],
        "name": shard["file"],
        "description": f"{shard['rows']} rows of {shard['kind']}, {shard['split']}",
        "contentUrl": shard["file"],
        "contentSize": f"{shard['bytes']} B",
        "encodingFormat": "application/x-parquet",
        "sha256": shard["sha256"],
    }


def _record_set(shard: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    name = shard["file"].removesuffix(".parquet")
    fields = [_field(name, column, shard["file"]) for column in schema if _type(column.type)]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(record_set: str, column: pa.Field, file: str) -> dict[str, Any]:
    field = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column.name}",
        "name": column.name,
        "dataType": _type(column.type),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
    return field | ({"repeated": True} if pa.types.is_list(column.type) else {})


def _type(kind: pa.DataType) -> str:
    """The Croissant type of a column; "" for nested ones, which Croissant has no reader for."""
    if pa.types.is_list(kind) and not pa.types.is_map(kind):
        return _type(kind.value_type)
    for is_kind, name in _TYPES:
        if is_kind(kind):
            return name
    return ""


_TYPES: Sequence[tuple[Any, str]] = (
    (pa.types.is_string, "sc:Text"),
    (pa.types.is_binary, "sc:ImageObject"),
    (pa.types.is_boolean, "sc:Boolean"),
    (pa.types.is_integer, "sc:Integer"),
    (pa.types.is_floating, "sc:Float"),
)
"""Every column of bytes in our shards is an image, PNG or JPEG."""
