"""Context caches: what requests to Gemini have in common, kept until it expires.

https://cloud.google.com/vertex-ai/generative-ai/docs/context-cache/context-cache-overview
"""

from dataclasses import replace
from datetime import datetime, timedelta

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json, Violation, invalid
from localcloud.store import timestamp

LIFE = timedelta(hours=1)
"""How long a cache lives without `ttl` and `expireTime`."""
_HIDDEN = {
    "contents": "localContents",
    "systemInstruction": "localSystemInstruction",
    "tools": "localTools",
    "toolConfig": "localToolConfig",
}
"""Fields that are given and never told, by what they are kept under."""
_FIXED = ("model", "displayName", *_HIDDEN)


class CachedContents:
    """Caches of every location.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "cachedContents": Collection(
                message=f"{prefix}CachedContent",
                noun="CachedContent",
                creating=self._creating,
                updating=self._updating,
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"cachedContents.patch": self._patch}

    def _patch(self, call: Call) -> Json:
        # Google's own client sends no mask though its description calls it required.
        mask = call.query.get("updateMask") or ",".join(sorted(call.body.keys() - {"name"}))
        asked = replace(call, query={**call.query, "updateMask": mask})
        return call.plane.standard.patch(asked)

    def completed(self, body: Json) -> Json:
        """A request of `generateContent` with what its cache holds before its own contents.

        Raises:
            ApiError: There is no such cache any more, or the request has what the cache has.
        """
        name = body.get("cachedContent")
        if not name:
            return body
        cache = self.cloud.store.get(name)
        if cache is None or datetime.fromisoformat(cache["expireTime"]) <= self.cloud.clock():
            raise ApiError("NOT_FOUND", f"Cached content {name} is not found; it may have expired.")
        if beside := [f for f in ("systemInstruction", "tools", "toolConfig") if body.get(f)]:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"{beside[0]} cannot be given beside cachedContent; put it into the cache.",
            )
        kept = {field: cache[hidden] for field, hidden in _HIDDEN.items() if cache.get(hidden)}
        return {**body, **kept, "contents": [*kept.get("contents", []), *body["contents"]]}

    def _creating(self, call: Call, body: Json) -> Json:
        if not body.get("model"):
            raise invalid([Violation("cached_content.model", "model: Required field is not set.")])
        if not body.get("contents") and not body.get("systemInstruction"):
            raise invalid(
                [Violation("cached_content.contents", "contents: give contents to be cached.")]
            )
        words = [
            str(part.get("text", ""))
            for content in (body.get("systemInstruction") or {}, *body.get("contents", []))
            for part in content.get("parts", [])
        ]
        kept = {hidden: body[field] for field, hidden in _HIDDEN.items() if field in body}
        told = {field: value for field, value in body.items() if field not in _HIDDEN}
        return {
            **self._expiring(told, given=told),
            **kept,
            "usageMetadata": {
                "totalTokenCount": len(" ".join(words).split()),
                "textCount": len("".join(words)),
            },
        }

    def _updating(self, call: Call, before: Json, after: Json) -> Json:
        if changed := [name for name in _FIXED if after.get(name) != before.get(name)]:
            raise invalid(
                [
                    Violation(
                        f"cached_content.{changed[0]}",
                        f"{changed[0]} cannot be updated; only ttl and expireTime can.",
                    )
                ]
            )
        given = after if after.get("ttl") or after["expireTime"] != before["expireTime"] else {}
        return self._expiring(after, given) if given else after

    def _expiring(self, cache: Json, given: Json) -> Json:
        rest = {name: value for name, value in cache.items() if name != "ttl"}
        if given.get("ttl"):
            life = timedelta(seconds=float(given["ttl"].removesuffix("s")))
        elif given.get("expireTime"):
            return rest
        else:
            life = LIFE
        ends = self.cloud.clock() + life
        return {**rest, "expireTime": timestamp(ends)}
