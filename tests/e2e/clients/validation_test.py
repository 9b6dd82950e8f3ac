"""What Lambda refuses and in which words: each row is one request of boto3 with its own checks off. The texts are those that
were recorded from AWS (Lambda's exact ones where quoted whole)."""
import base64
import json
import os
import sys

try:
    import boto3
    import botocore.exceptions
    from botocore.config import Config
except ImportError:
    print("SKIPPED: boto3 is not installed")
    sys.exit(77)

from boto3_test import bundle
from served import PATIENCE, Served, bootstrap, wait_for

ROLE = "arn:aws:iam::000000000000:role/test"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:"
INVALID, VALIDATION = ("InvalidParameterValueException", 400), ("ValidationException", 400)
CONFLICT, MISSING, LARGE = ("ResourceConflictException", 409), ("ResourceNotFoundException", 404), ("RequestEntityTooLargeException", 413)
ONE = "1 validation error detected: Value %s failed to satisfy constraint: Member must "


def rows(code, layer):
    def create(**changes):
        base = {"FunctionName": "new", "Runtime": "provided.al2023", "Role": ROLE, "Handler": "bootstrap", "Code": {"ZipFile": code}}
        return {k: v for k, v in {**base, **changes}.items() if v is not None}

    def update(**changes):
        return {"FunctionName": "f", **changes}
    variables = {"BIG": "x" * 4090}
    measured = json.dumps(variables, separators=(",", ":"))
    yield "create_function", create(FunctionName="x" * 65), INVALID, ONE % ("'%s' at 'functionName'" % ("x" * 65)) + "have length less than or equal to 64"
    yield "create_function", create(FunctionName="f"), CONFLICT, "Function already exist: f"
    yield "create_function", create(Role="admin"), VALIDATION, ONE % "'admin' at 'role'" + \
        r"satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
    yield "create_function", create(Role=None), VALIDATION, "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null"
    yield "create_function", create(Runtime=None), INVALID, "Runtime and Handler are mandatory parameters for functions created with deployment packages."
    yield "create_function", create(Runtime="cobol85"), INVALID, "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    yield "create_function", create(Handler="a b"), VALIDATION, ONE % "'a b' at 'handler'" + r"satisfy regular expression pattern: [^\s]+"
    yield "create_function", create(Handler="h" * 129), VALIDATION, ONE % ("'%s' at 'handler'" % ("h" * 129)) + "have length less than or equal to 128"
    yield "create_function", create(Description="d" * 257), VALIDATION, ONE % ("'%s' at 'description'" % ("d" * 257)) + "have length less than or equal to 256"
    yield "create_function", create(Timeout=901), VALIDATION, ONE % "'901' at 'timeout'" + "have value less than or equal to 900"
    yield "create_function", create(Timeout=0), VALIDATION, ONE % "'0' at 'timeout'" + "have value greater than or equal to 1"
    yield "create_function", create(MemorySize=127), VALIDATION, ONE % "'127' at 'memorySize'" + "have value greater than or equal to 128"
    yield "create_function", create(MemorySize=10241), VALIDATION, ONE % "'10241' at 'memorySize'" + "have value less than or equal to 10240"
    yield "create_function", create(EphemeralStorage={"Size": 511}), VALIDATION, ONE % "'511' at 'ephemeralStorage.size'" + "have value greater than or equal to 512"
    yield "create_function", create(Architectures=["sparc"]), VALIDATION, ONE % "'[sparc]' at 'architectures'" + \
        "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    yield "create_function", create(Architectures=["x86_64", "arm64"]), VALIDATION, ONE % "'[x86_64, arm64]' at 'architectures'" + "have length less than or equal to 1"
    yield "create_function", create(PackageType="Tar"), VALIDATION, ONE % "'Tar' at 'packageType'" + "satisfy enum value set: [Image, Zip]"
    yield "create_function", create(TracingConfig={"Mode": "Loud"}), VALIDATION, ONE % "'Loud' at 'tracingConfig.mode'" + "satisfy enum value set: [Active, PassThrough]"
    yield "create_function", create(LoggingConfig={"LogFormat": "XML"}), VALIDATION, ONE % "'XML' at 'loggingConfig.logFormat'" + "satisfy enum value set: [JSON, Text]"
    yield "create_function", create(SnapStart={"ApplyOn": "Always"}), VALIDATION, ONE % "'Always' at 'snapStart.applyOn'" + "satisfy enum value set: [PublishedVersions, None]"
    yield "create_function", create(FileSystemConfigs=[{"Arn": "x", "LocalMountPath": "/mnt/a"}]), VALIDATION, "at 'fileSystemConfigs.1.member.arn'"
    good = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0"
    yield "create_function", create(FileSystemConfigs=[{"Arn": good, "LocalMountPath": "/data"}]), VALIDATION, \
        ONE % "'/data' at 'fileSystemConfigs.1.member.localMountPath'" + "satisfy regular expression pattern: ^/mnt/[a-zA-Z0-9-_.]+$"
    yield "create_function", create(FileSystemConfigs=[{"Arn": good, "LocalMountPath": "/mnt/a"}] * 2), VALIDATION, "at 'fileSystemConfigs'"
    yield "create_function", create(Environment={"Variables": {"AWS_REGION": "x"}}), INVALID, "Reserved keys used in this request: AWS_REGION"
    yield "create_function", create(Environment={"Variables": variables}), INVALID, \
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. " \
        "String measured: " + measured
    yield "create_function", create(Code={"ZipFile": b"no zip"}), INVALID, "Could not unzip uploaded file. Please check your file, then try to upload again."
    yield "create_function", create(Code={}), INVALID, "Please provide a source for function code."
    yield "create_function", create(Code={"ZipFile": bytes(52428801)}), LARGE, "Zipped size must be smaller than 52428800 bytes"
    yield "create_function", create(Code={"ZipFile": bytes(52700000)}), LARGE, "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    yield "create_function", create(Code={"ZipFile": bundle({"zeros": bytes(262144001)})}), INVALID, "Unzipped size must be smaller than 262144000 bytes"
    yield "update_function_configuration", update(Layers=[LAYER + "l%d:1" % i for i in range(6)]), INVALID, "Cannot reference more than 5 layers."
    yield "update_function_configuration", update(Layers=[layer, layer[:-1] + "2"]), INVALID, \
        "Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer." % (layer, layer[:-1] + "2")
    yield "update_function_configuration", update(Layers=[LAYER + "none:1"]), INVALID, "Layer version %snone:1 does not exist." % LAYER
    yield "update_function_configuration", update(RevisionId="stale"), ("PreconditionFailedException", 412), \
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    yield "get_function", {"FunctionName": "nobody"}, MISSING, "Function not found: %snobody" % ARN
    yield "get_function", {"FunctionName": "f", "Qualifier": "9"}, MISSING, "Function not found: %sf:9" % ARN
    yield "invoke", {"FunctionName": "nobody", "Qualifier": "live"}, MISSING, "Function not found: %snobody:live" % ARN
    yield "invoke", {"FunctionName": "f:1", "Qualifier": "live"}, INVALID, "The derived qualifier from the function name does not match the specified qualifier."
    yield "get_function", {"FunctionName": ARN.replace("us-east-1", "eu-west-1") + "f"}, MISSING, \
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    yield "invoke", {"FunctionName": "f", "InvocationType": "Later"}, VALIDATION, \
        ONE % "'Later' at 'invocationType'" + "satisfy enum value set: [Event, RequestResponse, DryRun]"
    yield "invoke", {"FunctionName": "f", "Payload": b"{"}, ("InvalidRequestContentException", 400), \
        "Could not parse request body into json: Could not parse payload into json: "
    yield "create_alias", {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"}, CONFLICT, "Alias already exists: %sf:live" % ARN
    yield "create_alias", {"FunctionName": "f", "Name": "7", "FunctionVersion": "1"}, VALIDATION, ONE % "'7' at 'name'" + \
        r"satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    yield "create_alias", {"FunctionName": "f", "Name": "x", "FunctionVersion": "9"}, MISSING, "Function not found: %sf:9" % ARN
    yield "get_alias", {"FunctionName": "f", "Name": "none"}, MISSING, "Cannot find alias arn: %sf:none" % ARN
    yield "put_function_concurrency", update(ReservedConcurrentExecutions=901), INVALID, \
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    yield "put_provisioned_concurrency_config", update(Qualifier="$LATEST", ProvisionedConcurrentExecutions=1), INVALID, \
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    yield "get_provisioned_concurrency_config", update(Qualifier="live"), ("ProvisionedConcurrencyConfigNotFoundException", 404), \
        "No Provisioned Concurrency Config found for this function"
    yield "get_function_url_config", {"FunctionName": "f"}, MISSING, "The resource you requested does not exist."
    yield "get_policy", {"FunctionName": "f"}, MISSING, "The resource you requested does not exist."
    yield "get_event_source_mapping", {"UUID": "none"}, MISSING, "The resource you requested does not exist."
    yield "get_layer_version", {"LayerName": "words", "VersionNumber": 9}, MISSING, "The resource you requested does not exist."
    yield "get_function_event_invoke_config", {"FunctionName": "f"}, MISSING, "The function %sf:$LATEST doesn't have an EventInvokeConfig" % ARN
    yield "put_function_event_invoke_config", update(MaximumRetryAttempts=3), VALIDATION, ONE % "'3' at 'maximumRetryAttempts'" + "have value less than or equal to 2"
    yield "put_function_event_invoke_config", update(MaximumEventAgeInSeconds=59), VALIDATION, \
        ONE % "'59' at 'maximumEventAgeInSeconds'" + "have value greater than or equal to 60"
    yield "create_event_source_mapping", {"FunctionName": "nobody", "EventSourceArn": "file:///tmp"}, INVALID, "Function does not exist"
    yield "create_event_source_mapping", {"FunctionName": "f"}, INVALID, "Unrecognized event source."
    yield "create_event_source_mapping", {"FunctionName": "f", "EventSourceArn": "file:///tmp", "FilterCriteria": {"Filters": [{"Pattern": "x"}]}}, \
        INVALID, "Invalid filter pattern definition."
    yield from recorded(layer, create)
    yield "delete_function", {"FunctionName": "f", "Qualifier": "$LATEST"}, INVALID, "$LATEST version cannot be deleted without deleting the function."
    yield "delete_function", {"FunctionName": "f", "Qualifier": "1"}, CONFLICT, "Version 1 is being referenced by alias [live] and cannot be deleted."


def recorded(layer, create):
    """More of the answers that LocalStack's tests recorded from AWS in November 2025."""
    def f(**more):
        return {"FunctionName": "f", **more}
    allow = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    gone = "The resource you requested does not exist."
    alias_gone, version_gone = "Cannot find alias arn: %sf:none" % ARN, "Function not found: %sf:42" % ARN
    for runtime in ("provided", "go1.x", "python3.7", "nodejs14.x"):
        yield "create_function", create(Runtime=runtime), INVALID, "The runtime parameter of %s is no longer supported for creating or updating " \
            "AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions." % runtime
    yield "create_function", create(FunctionName=ARN + "n" * 100), VALIDATION, "at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140"
    yield "create_function", create(Tags={str(i): "x" for i in range(51)}), INVALID, "Number of tags exceeds resource tag limit."
    for size in (1 << 64, (1 << 64) - 1, 1e300, 128.5, "256", True):
        yield "update_function_configuration", f(MemorySize=size), ("SerializationException", 400), ""
    for wrong in ({"Description": 7}, {"Handler": ["a"]}, {"DeadLetterConfig": {"TargetArn": 1}}):
        yield "update_function_configuration", f(**wrong), ("SerializationException", 400), ""
    yield "update_function_configuration", f(LoggingConfig={"LogGroup": "a b"}), VALIDATION, ONE % "'a b' at 'loggingConfig.logGroup'" + \
        r"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"
    yield "list_functions", {"FunctionVersion": "some"}, VALIDATION, ONE % "'some' at 'functionVersion'" + "satisfy enum value set: [ALL]"
    yield "update_alias", f(Name="none", FunctionVersion="1"), MISSING, "Alias not found: %sf:none" % ARN
    for weights, text in (({"2": -1.0}, "'{2=-1.0}'"), ({"2": 2.0}, "'{2=2.0}'")):
        yield "update_alias", f(Name="live", RoutingConfig={"AdditionalVersionWeights": weights}), VALIDATION, \
            ONE.replace("Member must ", "") % (text + " at 'routingConfig.additionalVersionWeights'") + "Map value must satisfy constraint: [Member must have " \
            "value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
    yield "update_alias", f(Name="live", RoutingConfig={"AdditionalVersionWeights": {"$LATEST": 0.5}}), VALIDATION, "Value '{$LATEST=0.5}' at " \
        "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: ["
    yield "add_permission", f(**{**allow, "StatementId": "example.com"}), VALIDATION, ONE % "'example.com' at 'statementId'" + "satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
    yield "add_permission", f(**allow, Qualifier="$LATEST"), INVALID, "We currently do not support adding policies for $LATEST."
    yield "add_permission", f(**{**allow, "Principal": "invalid.nonaws.com"}), INVALID, "The provided principal was invalid. Please check the principal and try again."
    yield "add_permission", f(**allow, Qualifier="none"), MISSING, alias_gone
    yield "add_permission", f(**allow, Qualifier="42"), MISSING, version_gone
    yield "add_permission", f(**allow, Qualifier="a-?"), VALIDATION, ONE % "'a-?' at 'qualifier'" + r"satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
    yield "add_permission", f(**allow, Qualifier="with-$"), MISSING, "Function not found: %sf:with-$" % ARN
    yield "add_permission", {**allow, "FunctionName": "nobody"}, MISSING, "Function not found: %snobody" % ARN
    yield "add_permission", f(**allow, RevisionId="stale"), ("PreconditionFailedException", 412), \
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
    yield "remove_permission", f(StatementId="s"), MISSING, "No policy is associated with the given resource."
    yield "remove_permission", f(StatementId="s", Qualifier="none"), MISSING, alias_gone
    yield "remove_permission", {"FunctionName": "nobody", "StatementId": "s"}, MISSING, "No policy found for: %snobody" % ARN
    yield "get_policy", {"FunctionName": "nobody"}, MISSING, gone
    yield "get_policy", f(Qualifier="42"), MISSING, gone
    name, number = layer.split(":")[-2:]
    words = {"LayerName": name, "VersionNumber": int(number)}
    share = {**words, "StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    yield "get_layer_version_policy", words, MISSING, "No policy is associated with the given resource."
    yield "add_layer_version_permission", {**share, "Action": "*"}, VALIDATION, ONE % "'*' at 'action'" + "satisfy regular expression pattern: lambda:GetLayerVersion"
    yield "add_layer_version_permission", {**share, "VersionNumber": 9}, MISSING, "Layer version %s%s:9 does not exist." % (LAYER, name)
    yield "get_layer_version", {"LayerName": name, "VersionNumber": 0}, INVALID, "Layer Version Cannot be less than 1"
    yield "delete_layer_version", {"LayerName": name, "VersionNumber": -1}, INVALID, "Layer Version Cannot be less than 1"
    yield "list_layers", {"CompatibleArchitecture": "sparc"}, VALIDATION, ONE % "'sparc' at 'compatibleArchitecture'" + "satisfy enum value set: [x86_64, arm64]"
    yield "publish_layer_version", {"LayerName": "x", "Content": {"ZipFile": b"no zip"}, "CompatibleRuntimes": ["cobol"], "CompatibleArchitectures": ["sparc"]}, VALIDATION, \
        "2 validation errors detected: Value '[cobol]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: ["
    yield "update_function_configuration", f(Layers=[LAYER.replace("us-east-1", "eu-west-1") + "words:1"]), INVALID, \
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."
    only = "The function resource provided must be an alias or a published version."
    for operation in ("get_provisioned_concurrency_config", "delete_provisioned_concurrency_config"):
        yield operation, f(Qualifier="none"), MISSING, alias_gone
        yield operation, f(Qualifier="42"), MISSING, version_gone
        yield operation, f(Qualifier="$LATEST"), INVALID, only
    yield "put_provisioned_concurrency_config", f(Qualifier="none", ProvisionedConcurrentExecutions=1), MISSING, alias_gone
    yield "put_provisioned_concurrency_config", {"FunctionName": "nobody", "Qualifier": "live", "ProvisionedConcurrentExecutions": 1}, MISSING, \
        "Cannot find alias arn: %snobody:live" % ARN
    yield "put_provisioned_concurrency_config", f(Qualifier="1", ProvisionedConcurrentExecutions=0), VALIDATION, \
        ONE % "'0' at 'provisionedConcurrentExecutions'" + "have value greater than or equal to 1"
    yield "put_provisioned_concurrency_config", f(Qualifier="1", ProvisionedConcurrentExecutions=1001), INVALID, \
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."
    yield "put_provisioned_concurrency_config", f(Qualifier="1", ProvisionedConcurrentExecutions=950), INVALID, \
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    yield "put_function_concurrency", {"FunctionName": "nobody", "ReservedConcurrentExecutions": 1}, MISSING, "Function not found: %snobody:$LATEST" % ARN
    yield "put_function_concurrency", {"FunctionName": ARN + "f:1", "ReservedConcurrentExecutions": 1}, INVALID, \
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function " \
        "name or an unqualified function ARN."
    for qualifier in ("1", "$LATEST"):
        yield "create_function_url_config", f(Qualifier=qualifier, AuthType="NONE"), VALIDATION, \
            ONE % ("'%s' at 'qualifier'" % qualifier) + r"satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
    yield "create_function_url_config", {"FunctionName": "nobody", "AuthType": "NONE"}, MISSING, "Function does not exist"
    yield "create_function_url_config", f(AuthType="NONE", InvokeMode="UNKNOWN"), VALIDATION, ONE % "'UNKNOWN' at 'invokeMode'" + "satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"
    yield "update_function_url_config", f(Qualifier="none", AuthType="NONE"), MISSING, "Function does not exist"
    yield "delete_function_url_config", f(Qualifier="none"), MISSING, gone
    yield "get_function_url_config", {"FunctionName": "nobody"}, MISSING, gone
    yield "list_function_url_configs", {"FunctionName": "nobody"}, MISSING, "Function does not exist"
    for operation in ("get_function_event_invoke_config", "delete_function_event_invoke_config"):
        yield operation, {"FunctionName": "nobody"}, MISSING, "The function %snobody:$LATEST doesn't have an EventInvokeConfig" % ARN
        yield operation, f(Qualifier="none"), MISSING, "The function %sf:none doesn't have an EventInvokeConfig" % ARN
    put = "put_function_event_invoke_config"
    yield put, {"FunctionName": "nobody", "MaximumRetryAttempts": 1}, MISSING, "The function doesn't exist."
    yield put, f(Qualifier="none", MaximumRetryAttempts=1), MISSING, "The function doesn't exist."
    yield put, f(), INVALID, "You must specify at least one of error handling or destination setting."
    yield put, f(DestinationConfig={"OnSuccess": {"Destination": ARN + "nobody"}}), INVALID, "The destination ARN %snobody is invalid." % ARN
    yield put, f(DestinationConfig={"OnSuccess": {"Destination": ARN + "f"}}), INVALID, "You can't specify the function as a destination for itself."
    role = ARN.replace(":lambda:", ":iam:") + "f"
    yield put, f(DestinationConfig={"OnSuccess": {"Destination": role}}), INVALID, \
        "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=%s), onFailure=null) is invalid." % role
    yield put, f(DestinationConfig={"OnFailure": {"Destination": "arn:aws:_-/!lambda:x"}}), VALIDATION, "'arn:aws:_-/!lambda:x' at 'destinationConfig.onFailure.destination'"
    yield "tag_resource", {"Resource": "arn:aws:something", "Tags": {"a": "b"}}, VALIDATION, ONE % "'arn:aws:something' at 'resource'" + \
        r"satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:"
    yield "tag_resource", {"Resource": ARN + "nobody", "Tags": {"a": "b"}}, MISSING, "Function not found: %snobody" % ARN
    yield "tag_resource", {"Resource": ARN + "f:1", "Tags": {"a": "b"}}, INVALID, "Tags on function aliases and versions are not supported. Please specify a function ARN."
    yield "tag_resource", {"Resource": ARN + "f", "Tags": {}}, INVALID, "An error occurred and the request cannot be processed."
    yield "untag_resource", {"Resource": ARN + "f", "TagKeys": []}, VALIDATION, "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"
    mapping = "%s%s-%s-4%s-8%s-%s" % (ARN.replace("function:", "event-source-mapping:"), "0" * 8, "0" * 4, "0" * 3, "0" * 3, "0" * 12)
    yield "list_tags", {"Resource": mapping}, MISSING, "Event source mapping not found: " + mapping
    yield "put_function_recursion_config", f(RecursiveLoop="Sometimes"), VALIDATION, ONE % "'Sometimes' at 'recursiveLoop'" + "satisfy enum value set: [Terminate, Allow]"
    yield "publish_version", f(CodeSha256="other"), INVALID, "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ("


def main():
    code = bundle({"bootstrap": open(bootstrap(), "rb").read()})
    faults = count = 0
    with Served() as served:
        c = boto3.client("lambda", endpoint_url=served.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x",
                         config=Config(retries={"max_attempts": 0}, read_timeout=PATIENCE, parameter_validation=False))
        c.create_function(FunctionName="f", Runtime="provided.al2023", Role=ROLE, Handler="bootstrap", Code={"ZipFile": code})
        c.publish_version(FunctionName="f"), c.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
        for _ in range(2):
            layer = c.publish_layer_version(LayerName="words", Content={"ZipFile": bundle({"a": "1"})})["LayerVersionArn"]
        for operation, parameters, (name, status), text in rows(code, layer[:-1] + "1"):
            count += 1
            try:
                got = getattr(c, operation)(**parameters)
                found = ("no error", got["ResponseMetadata"]["HTTPStatusCode"], "")
            except botocore.exceptions.ClientError as error:
                body = error.response
                found = (body["Error"]["Code"], body["ResponseMetadata"]["HTTPStatusCode"], body["Error"].get("Message") or body.get("message", ""))
            if found[:2] != (name, status) or text not in found[2]:
                faults += 1
                print("%s %s\n  wanted %s %d %s\n  got    %s %d %s" % (operation, str(parameters)[:150], name, status, text[:300], *found[:2], found[2][:300]))
        # Logs stay below the state's folder, whatever their group is called.
        c.update_function_configuration(FunctionName="f", LoggingConfig={"LogGroup": "../../x"})
        c.invoke(FunctionName="f", Payload="{}")
        wait_for("a log", lambda: os.path.isdir(os.path.join(served.state, "logs", "_", "_", "x")))
    print("%d of %d requests were refused in Lambda's words" % (count - faults, count))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
