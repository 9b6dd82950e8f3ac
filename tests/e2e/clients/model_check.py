"""Holds every answer that boto3 receives against botocore's service model: status, required members, unknown members,
types."""
import json

TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "double": (int, float), "float": (int, float),
         "timestamp": (str, int, float), "list": list, "map": dict, "structure": dict, "blob": str}


def check_shape(shape, value, path, faults):
    expected = TYPES.get(shape.type_name)
    if value is None:
        return
    if expected and not isinstance(value, expected) or (shape.type_name in ("integer", "long") and isinstance(value, bool)):
        faults.append("%s: %r is no %s" % (path, value, shape.type_name))
        return
    if shape.type_name == "structure":
        # InvokeAsync's answer, {"Status":202}, repeats the status of HTTP that the model takes it from.
        names = {m.serialization.get("name", n): m for n, m in shape.members.items()
                 if m.serialization.get("location", "statusCode") == "statusCode"}
        for key, inner in value.items():
            if key not in names:
                faults.append("%s.%s is not in the model" % (path, key))
            else:
                check_shape(names[key], inner, path + "." + key, faults)
        for key in shape.required_members:
            if key not in value and key in names:
                faults.append("%s.%s is missing" % (path, key))
    elif shape.type_name == "list":
        for i, item in enumerate(value):
            check_shape(shape.member, item, "%s[%d]" % (path, i), faults)
    elif shape.type_name == "map":
        for key, item in value.items():
            check_shape(shape.value, item, "%s[%r]" % (path, key), faults)
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        faults.append("%s: %r is not one of %s" % (path, value, shape.enum))


class Checker:
    """Registers itself with a client; faults collect in .faults."""

    def __init__(self, client):
        self.model = client.meta.service_model
        self.faults = []
        self.seen = set()
        client.meta.events.register("after-call.lambda", self.after)
        client.meta.events.register("before-parse.lambda", self.before)

    def before(self, operation_model, response_dict, **_):
        if response_dict["status_code"] >= 300 or operation_model.has_event_stream_output:
            return
        self.seen.add(operation_model.name)
        shape = operation_model.output_shape
        body = response_dict["body"]
        wanted = operation_model.http.get("responseCode", 200)
        if response_dict["status_code"] != wanted and not any(
                m.serialization.get("location") == "statusCode" for m in (shape.members.values() if shape else [])):
            self.faults.append("%s: status %d, the model says %d" % (operation_model.name, response_dict["status_code"], wanted))
        if shape is None or shape.serialization.get("payload") or not body:
            return
        check_shape(shape, json.loads(body), operation_model.name, self.faults)

    def after(self, **_):
        pass
