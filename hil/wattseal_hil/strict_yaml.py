"""YAML without surprises: no key twice, no dates made of text, no tags, one document, bounded.

Numbers, truth values, texts, lists and mappings with text keys come out; nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattseal_hil.errors import BoardError

MAX_BYTES = 1 << 20


def load(path: str | Path) -> Any:
    """What the file holds. Raises BoardError `yaml-missing`, `yaml-malformed` (line in detail)."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BoardError("yaml-missing", f"{path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise BoardError("yaml-malformed", f"{path} is over {MAX_BYTES} bytes")
    return parse(data, str(path))


def parse(text: str | bytes, name: str = "YAML") -> Any:
    """What `text` holds; `name` is what an error calls it."""
    import yaml

    loader = None
    try:
        loader = _loader()(text)
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        raise BoardError("yaml-malformed", f"{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BoardError("yaml-malformed", f"{name}: {reason}") from None
    finally:
        if loader is not None:
            loader.dispose()


def _loader() -> Any:
    """A safe loader with the rules above; made at use, for PyYAML is slow to import."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def mapping(loader: Any, node: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            problem = None
            if not isinstance(key, str):
                problem = f"the key {key!r} is no text"
            elif key in made:
                problem = f"{key} stands here twice"
            if problem:
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            made[key] = loader.construct_object(value_node, deep=True)
        return made

    def alias(loader: Any, node: Any) -> Any:
        raise yaml.constructor.ConstructorError(
            None, None, f"{node.tag} is not understood here", node.start_mark
        )

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_constructor(None, alias)
    for kind in ("timestamp", "binary", "set", "omap", "pairs", "merge"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", alias)
    # A date stays the text it is.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader
