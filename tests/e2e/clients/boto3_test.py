"""boto3 against `lectern serve`: the control plane and invocations, every answer held against the botocore model."""
import base64
import io
import json
import os
import signal
import sys
import zipfile

try:
    import boto3
    import botocore.exceptions
    from botocore.config import Config
except ImportError:
    print("SKIPPED: boto3 is not installed")
    sys.exit(77)

from model_check import Checker
from served import PATIENCE, Served, bootstrap, wait_for

ROLE = "arn:aws:iam::000000000000:role/test"


def client_for(served, **credentials):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **credentials}
    return boto3.client("lambda", endpoint_url=served.url, region_name="us-east-1",
                        config=Config(retries={"max_attempts": 0}, read_timeout=PATIENCE), **keys)


def bundle(files, modes={}):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes.get(name, 0o100755)) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def refused(code, text, call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        got = error.response["Error"]
        assert got["Code"] == code, (got, code)
        assert text in (got.get("Message") or error.response.get("message", "")), (got, text)
        return error.response
    raise AssertionError("%s was not refused: %s" % (call.__name__, code))


def functions(c, code):
    made = c.create_function(FunctionName="f", Runtime="provided.al2023", Role=ROLE, Handler="bootstrap",
                             Code={"ZipFile": code}, Timeout=60, Tags={"a": "1"}, Environment={"Variables": {"AB": "x"}})
    assert made["State"] == "Active" and made["Version"] == "$LATEST" and made["MemorySize"] == 128
    import hashlib
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code).digest()).decode()
    c.get_waiter("function_active_v2").wait(FunctionName="f")
    refused("ResourceConflictException", "Function already exist: f", c.create_function, FunctionName="f",
            Runtime="provided.al2023", Role=ROLE, Handler="bootstrap", Code={"ZipFile": code})
    got = c.get_function(FunctionName="f")
    assert got["Tags"] == {"a": "1"}
    import urllib.request
    assert urllib.request.urlopen(got["Code"]["Location"]).read() == code
    assert [f["FunctionName"] for f in c.list_functions()["Functions"]] == ["f"]
    revision = c.update_function_configuration(FunctionName="f", MemorySize=256)["RevisionId"]
    refused("PreconditionFailedException", "The Revision Id provided does not match", c.update_function_configuration,
            FunctionName="f", MemorySize=512, RevisionId=made["RevisionId"])
    assert c.get_function_configuration(FunctionName="f")["RevisionId"] == revision
    refused("ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody",
            c.get_function, FunctionName="nobody")


def archives(c, code):
    """Nothing is written outside of the function's own folder (validation_test.py has what else is refused)."""
    base = dict(Runtime="provided.al2023", Role=ROLE, Handler="bootstrap")
    for hostile in (bundle({"../out": "x"}), bundle({"/etc/out": "x"}), bundle({"l": "/etc/passwd"}, {"l": 0o120777})):
        refused("InvalidParameterValueException", "Could not unzip", c.create_function, FunctionName="bad", Code={"ZipFile": hostile}, **base)


def versions(c, code):
    one = c.publish_version(FunctionName="f")
    assert one["Version"] == "1" and one["FunctionArn"].endswith(":f:1")
    assert c.publish_version(FunctionName="f")["Version"] == "1", "nothing changed"
    c.update_function_configuration(FunctionName="f", Environment={"Variables": {"AB": "two"}})
    assert c.publish_version(FunctionName="f", Description="second")["Version"] == "2"
    assert [v["Version"] for v in c.list_versions_by_function(FunctionName="f")["Versions"]] == ["$LATEST", "1", "2"]
    ask = json.dumps({"do": "environment", "name": "AB"})
    for qualifier, value in (("1", "x"), ("2", "two"), ("$LATEST", "two")):
        answer = c.invoke(FunctionName="f", Qualifier=qualifier, Payload=ask)
        assert answer["ExecutedVersion"] == qualifier and json.load(answer["Payload"]) == value
    alias = c.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    refused("ResourceConflictException", "Alias already exists: " + alias["AliasArn"], c.create_alias, FunctionName="f",
            Name="live", FunctionVersion="1")
    answer = c.invoke(FunctionName=alias["AliasArn"], Payload=json.dumps({"do": "context"}))
    assert answer["ExecutedVersion"] == "1" and json.load(answer["Payload"])["arn"] == alias["AliasArn"]
    c.update_alias(FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    seen = {c.invoke(FunctionName="f:live", Payload="{}")["ExecutedVersion"] for _ in range(60)}
    assert seen == {"1", "2"}, seen
    refused("ResourceConflictException", "", c.delete_function, FunctionName="f", Qualifier="1")
    c.update_alias(FunctionName="f", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    c.delete_function(FunctionName="f", Qualifier="1")
    refused("ResourceNotFoundException", "Function not found", c.invoke, FunctionName="f", Qualifier="1")
    assert len(c.list_aliases(FunctionName="f")["Aliases"]) == 1
    refused("InvalidParameterValueException", "The derived qualifier from the function name does not match", c.invoke,
            FunctionName="f:2", Qualifier="live")


def layers(c, code):
    content = {"ZipFile": bundle({"data/one.txt": "1"})}
    one = c.publish_layer_version(LayerName="words", Content=content, CompatibleRuntimes=["provided.al2023"])
    # Layers may name runtimes that functions can no longer have.
    two = c.publish_layer_version(LayerName="words", Content=content, CompatibleRuntimes=["python3.7", "python3.13"])
    assert (one["Version"], two["Version"]) == (1, 2)
    refused("InvalidParameterValueException", "Two different versions of the same layer are not allowed",
            c.update_function_configuration, FunctionName="f", Layers=[one["LayerVersionArn"], two["LayerVersionArn"]])
    refused("InvalidParameterValueException", "Cannot reference more than 5 layers.", c.update_function_configuration,
            FunctionName="f", Layers=["arn:aws:lambda:us-east-1:000000000000:layer:l%d:1" % i for i in range(6)])
    gone = one["LayerArn"] + ":9"
    refused("InvalidParameterValueException", "Layer version %s does not exist." % gone, c.update_function_configuration,
            FunctionName="f", Layers=[gone])
    got = c.update_function_configuration(FunctionName="f", Layers=[one["LayerVersionArn"]])
    assert got["Layers"][0]["Arn"] == one["LayerVersionArn"]
    assert c.list_layers()["Layers"][0]["LatestMatchingVersion"]["Version"] == 2
    c.get_layer_version_by_arn(Arn=one["LayerVersionArn"])
    c.delete_layer_version(LayerName="words", VersionNumber=1)
    refused("ResourceNotFoundException", "The resource you requested does not exist.", c.get_layer_version, LayerName="words",
            VersionNumber=1)
    assert [v["Version"] for v in c.list_layer_versions(LayerName="words")["LayerVersions"]] == [2]
    assert c.invoke(FunctionName="f", Payload="{}")["StatusCode"] == 200, "a deleted layer goes on working"
    assert c.publish_layer_version(LayerName="words", Content=content)["Version"] == 3


def concurrency(c, code):
    refused("InvalidParameterValueException", "below its minimum value of [100].", c.put_function_concurrency,
            FunctionName="f", ReservedConcurrentExecutions=901)
    c.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    throttled = refused("TooManyRequestsException", "Rate Exceeded.", c.invoke, FunctionName="f", Payload="{}")
    assert throttled["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert "retry-after" in throttled["ResponseMetadata"]["HTTPHeaders"]
    assert c.get_function(FunctionName="f")["Concurrency"]["ReservedConcurrentExecutions"] == 0
    c.delete_function_concurrency(FunctionName="f")
    assert c.get_function_concurrency(FunctionName="f").get("ReservedConcurrentExecutions") is None
    refused("InvalidParameterValueException", "cannot be applied to unpublished function versions",
            c.put_provisioned_concurrency_config, FunctionName="f", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
    c.put_provisioned_concurrency_config(FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=2)
    def ready():
        got = c.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
        return got["Status"] == "READY" and got
    assert wait_for("provisioned instances", ready)["AvailableProvisionedConcurrentExecutions"] == 2
    kind = c.invoke(FunctionName="f", Qualifier="live",
                    Payload=json.dumps({"do": "environment", "name": "AWS_LAMBDA_INITIALIZATION_TYPE"}))
    assert json.load(kind["Payload"]) == "provisioned-concurrency"
    assert len(c.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"]) == 1
    c.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    refused("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function",
            c.get_provisioned_concurrency_config, FunctionName="f", Qualifier="live")
    settings = c.get_account_settings()
    assert settings["AccountLimit"]["CodeSizeUnzipped"] == 262144000


def extras(c, code):
    c.add_permission(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    assert json.loads(c.get_policy(FunctionName="f")["Policy"])["Statement"][0]["Sid"] == "s"
    refused("ResourceConflictException", "The statement id (s) provided already exists", c.add_permission, FunctionName="f",
            StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    c.remove_permission(FunctionName="f", StatementId="s")
    refused("ResourceNotFoundException", "The resource you requested does not exist.", c.get_policy, FunctionName="f")
    url = c.create_function_url_config(FunctionName="f", AuthType="NONE")
    assert c.get_function_url_config(FunctionName="f")["FunctionUrl"] == url["FunctionUrl"]
    c.update_function_url_config(FunctionName="f", InvokeMode="RESPONSE_STREAM")
    c.list_function_url_configs(FunctionName="f")
    c.delete_function_url_config(FunctionName="f")
    c.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    assert c.get_function_event_invoke_config(FunctionName="f")["MaximumRetryAttempts"] == 1
    c.update_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=120)
    c.list_function_event_invoke_configs(FunctionName="f")
    c.delete_function_event_invoke_config(FunctionName="f")
    arn = c.get_function(FunctionName="f")["Configuration"]["FunctionArn"]
    c.tag_resource(Resource=arn, Tags={"b": "2"})
    c.untag_resource(Resource=arn, TagKeys=["a"])
    assert c.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    c.get_function_code_signing_config(FunctionName="f")
    c.get_function_recursion_config(FunctionName="f")
    c.get_runtime_management_config(FunctionName="f")
    mapping = c.create_event_source_mapping(FunctionName="f", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:q")
    c.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=5)
    assert c.get_event_source_mapping(UUID=mapping["UUID"])["BatchSize"] == 5
    assert len(c.list_event_source_mappings(FunctionName="f")["EventSourceMappings"]) == 1
    c.delete_event_source_mapping(UUID=mapping["UUID"])


def invoking(c, code):
    answer = c.invoke(FunctionName="f", Payload=json.dumps({"a": 1}), LogType="Tail",
                      ClientContext=base64.b64encode(b'{"custom":{"k":"v"}}').decode())
    assert json.load(answer["Payload"]) == {"a": 1}
    log = base64.b64decode(answer["LogResult"]).decode()
    fields = log.splitlines()[-1].split("\t")
    assert [f.split(":")[0] for f in fields][:5] == ["REPORT RequestId", "Duration", "Billed Duration", "Memory Size",
                                                      "Max Memory Used"], fields
    assert c.invoke(FunctionName="f", InvocationType="Event", Payload="{}")["StatusCode"] == 202
    assert c.invoke(FunctionName="f", InvocationType="DryRun", Payload="{}")["StatusCode"] == 204
    assert c.invoke_async(FunctionName="f", InvokeArgs=b"{}")["Status"] == 202
    failed = c.invoke(FunctionName="f", Payload=json.dumps({"do": "error"}))
    assert failed["FunctionError"] == "Unhandled" and json.load(failed["Payload"])["errorType"] == "Behave.Asked"
    refused("InvalidRequestContentException", "Could not parse request body into json", c.invoke, FunctionName="f",
            Payload="not json")
    refused("RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
            c.invoke, FunctionName="f", Payload=json.dumps("x" * 6291455))
    refused("RequestEntityTooLargeException", "1048577 byte payload is too large for the Event invocation type "
            "(limit 1048576 bytes)", c.invoke, FunctionName="f", InvocationType="Event", Payload=json.dumps("x" * 1048575))
    big = json.dumps("x" * (1 << 20))
    assert c.invoke(FunctionName="f", Payload=big)["Payload"].read().decode() == big
    events = list(c.invoke_with_response_stream(FunctionName="f", Payload=json.dumps({"s": 1}))["EventStream"])
    assert b"".join(e["PayloadChunk"]["Payload"] for e in events if "PayloadChunk" in e) == b'{"s": 1}'
    assert "InvokeComplete" in events[-1]


def events(code):
    """Event invocations: repeated, reported to a file and to another function, kept over a kill."""
    with Served("--retry-delay", "0.1") as served:
        c = client_for(served)
        for name in ("f", "g"):
            c.create_function(FunctionName=name, Runtime="provided.al2023", Role=ROLE, Handler="bootstrap",
                              Code={"ZipFile": code}, Timeout=60)
        c.put_function_event_invoke_config(FunctionName="f", DestinationConfig={
            "OnFailure": {"Destination": "file:///failed.jsonl"}, "OnSuccess": {"Destination": "file:///done.jsonl"}})
        id = c.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"do": "error"}))["ResponseMetadata"]["RequestId"]
        failed = "%s/destinations/failed.jsonl" % served.state
        wait_for("a report", lambda: os.path.exists(failed) and open(failed).read().endswith("\n"))
        record = json.loads(open(failed).read())
        assert record["requestContext"] == {"requestId": id, "condition": "RetriesExhausted", "approximateInvokeCount": 3,
                                            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"}, record
        assert record["requestPayload"] == {"do": "error"} and record["responsePayload"]["errorType"] == "Behave.Asked"
        assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
        c.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"n": 1}))
        done = "%s/destinations/done.jsonl" % served.state
        wait_for("a report", lambda: os.path.exists(done) and open(done).read().endswith("\n"))
        assert json.loads(open(done).read())["responsePayload"] == {"n": 1}
        # Throttled events wait, over a kill too.
        c.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination":
                                           "arn:aws:lambda:us-east-1:000000000000:function:g"}})
        c.put_function_event_invoke_config(FunctionName="g", DestinationConfig={"OnSuccess": {"Destination": "file:///g.jsonl"}})
        c.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"do": "sleep", "ms": 2000}))
        served.stop(signal.SIGKILL)
        with Served("--retry-delay", "0.1", state=served.state):
            path = "%s/destinations/g.jsonl" % served.state
            wait_for("a report", lambda: os.path.exists(path) and open(path).read().endswith("\n"))
            record = json.loads(open(path).read())
            assert record["requestPayload"]["requestPayload"] == {"do": "sleep", "ms": 2000}, record


def code_from_s3(code):
    """Code by bucket and key: a folder of the state, and a service that speaks S3."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        print("SKIPPED: moto, as an S3 service, is not installed")
        service = None
    else:
        service = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        service.start()
        host, port = service.get_host_and_port()
        keys["AWS_ENDPOINT_URL_S3"] = "http://%s:%d/" % (host, port)
    base = dict(Runtime="provided.al2023", Role=ROLE, Handler="bootstrap")
    with Served(env=keys) as served:
        c = client_for(served)
        os.makedirs(os.path.join(served.state, "s3", "folder", "a"))
        with open(os.path.join(served.state, "s3", "folder", "a", "f.zip"), "wb") as out:
            out.write(code)
        c.create_function(FunctionName="local", Code={"S3Bucket": "folder", "S3Key": "a/f.zip"}, Timeout=60, **base)
        assert json.load(c.invoke(FunctionName="local", Payload="[1]")["Payload"]) == [1]
        gone = "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
        for key in ("none.zip", "../../lectern.db"):
            refused("InvalidParameterValueException", gone, c.create_function, FunctionName="x",
                    Code={"S3Bucket": "folder", "S3Key": key}, **base)
        if not service:
            return
        s3 = boto3.client("s3", endpoint_url=keys["AWS_ENDPOINT_URL_S3"], region_name="us-east-1", aws_access_key_id="test",
                          aws_secret_access_key="test")
        s3.create_bucket(Bucket="shop")
        s3.put_bucket_versioning(Bucket="shop", VersioningConfiguration={"Status": "Enabled"})
        old = s3.put_object(Bucket="shop", Key="b c/f.zip", Body=code)["VersionId"]
        s3.put_object(Bucket="shop", Key="b c/f.zip", Body=b"no zip")
        place = {"S3Bucket": "shop", "S3Key": "b c/f.zip"}
        refused("InvalidParameterValueException", "Could not unzip uploaded file.", c.create_function, FunctionName="x", Code=place, **base)
        c.create_function(FunctionName="far", Code={**place, "S3ObjectVersion": old}, Timeout=60, **base)
        assert json.load(c.invoke(FunctionName="far", Payload="[2]")["Payload"]) == [2]
        layer = c.publish_layer_version(LayerName="l", Content={**place, "S3ObjectVersion": old})
        assert layer["Content"]["CodeSize"] == len(code)
        refused("InvalidParameterValueException", gone, c.update_function_code, FunctionName="far", S3Bucket="shop", S3Key="none")
        refused("InvalidParameterValueException", "S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
                c.update_function_code, FunctionName="far", S3Bucket="nobody", S3Key="none")
        service.stop()
        refused("InvalidParameterValueException", "S3 Error Code: ServiceUnavailable", c.update_function_code, FunctionName="far",
                S3Bucket="shop", S3Key="none")


def main():
    code = bundle({"bootstrap": open(bootstrap(), "rb").read()})
    with Served() as served:
        c = client_for(served)
        checker = Checker(c)
        for part in (functions, archives, versions, layers, concurrency, extras, invoking):
            part(c, code)
            print("ok", part.__name__)
        assert not checker.faults, "\n".join(checker.faults)
        print("ok", len(checker.seen), "operations agree with the model")
        state = served.state
        before = c.get_function(FunctionName="f")["Configuration"]
        served.stop(signal.SIGKILL)
        with Served(state=state) as again:
            c = client_for(again)
            assert c.get_function(FunctionName="f")["Configuration"] == before
            assert c.get_alias(FunctionName="f", Name="live")["FunctionVersion"] == "2"
            assert json.load(c.invoke(FunctionName="f", Payload="[1]")["Payload"]) == [1]
            c.delete_function(FunctionName="f")
            refused("ResourceNotFoundException", "Function not found", c.invoke, FunctionName="f")
            assert again.stop() == 0
            print("ok state survives a kill")
    events(code)
    print("ok events")
    code_from_s3(code)
    print("ok code from S3")
    with Served("--require-signature", env={"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}) as served:
        client_for(served, aws_access_key_id="AKID", aws_secret_access_key="secret").list_functions()
        refused("InvalidSignatureException", "does not match", client_for(
            served, aws_access_key_id="AKID", aws_secret_access_key="wrong").list_functions)
        refused("UnrecognizedClientException", "is invalid", client_for(served).list_functions)
        print("ok signatures")


if __name__ == "__main__":
    main()
