"""Terraform with its AWS provider against `lectern serve`: apply, no drift, change, no drift, destroy."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

from served import PATIENCE, Served, api, bootstrap

PLUGINS = os.environ.get("LECTERN_TERRAFORM_PLUGINS", "/opt/tf-plugins")

PROVIDER = """
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region                  = "us-east-1"
  access_key              = "test"
  secret_key              = "test"
  skip_metadata_api_check = true
  max_retries             = 1
  endpoints {
    lambda = "%(url)s"
    sts    = "%(url)s"
  }
}
locals {
  role = "arn:aws:iam::000000000000:role/any"
}
variable "memory" { default = 256 }
variable "text" { default = "one" }
variable "weight" { default = 0 }
"""

MAIN = """
resource "aws_lambda_layer_version" "words" {
  layer_name          = "words"
  description         = "some words"
  filename            = "layer.zip"
  source_code_hash    = filebase64sha256("layer.zip")
  compatible_runtimes = ["provided.al2023"]
  license_info        = "Apache-2.0"
}
resource "aws_lambda_layer_version_permission" "words" {
  layer_name     = aws_lambda_layer_version.words.layer_name
  version_number = aws_lambda_layer_version.words.version
  statement_id   = "all"
  action         = "lambda:GetLayerVersion"
  principal      = "*"
}
resource "aws_lambda_function" "f" {
  function_name                  = "f"
  description                    = "of Terraform"
  role                           = local.role
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  filename                       = "code.zip"
  source_code_hash               = filebase64sha256("code.zip")
  memory_size                    = var.memory
  timeout                        = 60
  publish                        = true
  layers                         = [aws_lambda_layer_version.words.arn]
  reserved_concurrent_executions = 5
  environment { variables = { TEXT = var.text } }
  ephemeral_storage { size = 1024 }
  tracing_config { mode = "PassThrough" }
  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "WARN"
  }
  dead_letter_config { target_arn = "arn:aws:sqs:us-east-1:000000000000:dead" }
  tags = { stage = var.text }
}
resource "aws_lambda_function" "g" {
  function_name    = "g"
  role             = local.role
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  filename         = "code.zip"
  timeout          = 60
}
resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "what callers use"
  function_name    = aws_lambda_function.f.function_name
  function_version = "1"
  dynamic "routing_config" {
    for_each = var.weight > 0 ? [1] : []
    content { additional_version_weights = { "2" = var.weight } }
  }
}
resource "aws_lambda_permission" "s3" {
  statement_id   = "s3"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.f.function_name
  qualifier      = aws_lambda_alias.live.name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::bucket"
  source_account = "000000000000"
}
resource "aws_lambda_function_url" "f" {
  function_name      = aws_lambda_function.f.function_name
  authorization_type = "NONE"
  invoke_mode        = "BUFFERED"
  cors {
    allow_origins = ["https://example.com"]
    allow_methods = ["GET", "POST"]
    max_age       = 60
  }
}
resource "aws_lambda_function_event_invoke_config" "f" {
  function_name                = aws_lambda_function.f.function_name
  maximum_event_age_in_seconds = 120
  maximum_retry_attempts       = 1
  destination_config {
    on_failure { destination = "arn:aws:sqs:us-east-1:000000000000:failed" }
  }
}
resource "aws_lambda_provisioned_concurrency_config" "live" {
  function_name                     = aws_lambda_function.f.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = 1
}
resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn                   = "arn:aws:sqs:us-east-1:000000000000:queue"
  function_name                      = aws_lambda_function.f.arn
  batch_size                         = 5
  maximum_batching_window_in_seconds = 1
  filter_criteria {
    filter { pattern = jsonencode({ body = { kind = ["new"] } }) }
  }
}
resource "aws_lambda_invocation" "once" {
  function_name = aws_lambda_function.f.function_name
  qualifier     = aws_lambda_function.f.version
  input         = jsonencode({ do = "environment", name = "TEXT" })
}
data "aws_lambda_function" "f" {
  function_name = aws_lambda_function.f.function_name
  qualifier     = aws_lambda_alias.live.name
}
data "aws_lambda_functions" "all" { depends_on = [aws_lambda_function.f, aws_lambda_function.g] }
data "aws_lambda_layer_version" "words" { layer_name = aws_lambda_layer_version.words.layer_name }
data "aws_caller_identity" "me" {}
output "said" { value = jsondecode(aws_lambda_invocation.once.result) }
output "version" { value = aws_lambda_function.f.version }
output "names" { value = sort(data.aws_lambda_functions.all.function_names) }
output "account" { value = data.aws_caller_identity.me.account_id }
output "url" { value = aws_lambda_function_url.f.function_url }
"""


class Terraform:
    def __init__(self, folder):
        self.folder = folder
        self.env = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_ARGS": "-no-color",
                    "AWS_EC2_METADATA_DISABLED": "true"}

    def run(self, *command, status=(0,)):
        done = subprocess.run(["terraform", *command], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=4 * PATIENCE)
        assert done.returncode in status, "terraform %s: %d\n%s\n%s" % (" ".join(command), done.returncode, done.stdout[-4000:], done.stderr[-4000:])
        return done

    def apply(self, **variables):
        given = ["-var=%s=%s" % pair for pair in variables.items()]
        self.run("apply", "-auto-approve", "-input=false", *given)
        # What the engine tells afterwards is what was asked for: nothing is left to change.
        plan = self.run("plan", "-detailed-exitcode", "-input=false", *given, status=(0, 2))
        assert plan.returncode == 0, plan.stdout
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json").stdout).items()}


def archive(path, files):
    with zipfile.ZipFile(path, "w") as out:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100755 << 16
            out.writestr(info, content, zipfile.ZIP_DEFLATED)


def main():
    if not shutil.which("terraform") or not os.path.isdir(os.path.join(PLUGINS, "registry.terraform.io/hashicorp/aws")):
        print("SKIPPED: terraform is not in PATH, or its AWS provider is not below %s (LECTERN_TERRAFORM_PLUGINS)" % PLUGINS)
        return 77
    with Served() as served, tempfile.TemporaryDirectory(prefix="lectern-terraform-") as folder:
        with open(bootstrap(), "rb") as file:
            program = file.read()
        archive(os.path.join(folder, "code.zip"), {"bootstrap": program})
        archive(os.path.join(folder, "layer.zip"), {"data/words.txt": "a b c"})
        with open(os.path.join(folder, "main.tf"), "w") as out:
            out.write(PROVIDER % {"url": served.url} + MAIN)
        terraform = Terraform(folder)
        terraform.run("init", "-input=false", "-plugin-dir=" + PLUGINS)
        made = terraform.apply()
        assert made["said"] == "one" and made["version"] == "1" and made["names"] == ["f", "g"], made
        assert made["account"] == "000000000000", made
        print("ok created, no drift", flush=True)
        archive(os.path.join(folder, "code.zip"), {"bootstrap": program, "more.txt": "changed"})
        changed = terraform.apply(memory=512, text="two", weight=0.25)
        assert changed["version"] == "2", changed
        assert api(served, "GET", "/2015-03-31/functions/f/configuration")["MemorySize"] == 512
        alias = api(served, "GET", "/2015-03-31/functions/f/aliases/live")
        assert alias["FunctionVersion"] == "1" and alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}, alias
        assert api(served, "GET", "/2015-03-31/functions/g/configuration")["MemorySize"] == 128
        print("ok changed, no drift", flush=True)
        terraform.run("destroy", "-auto-approve", "-input=false")
        assert api(served, "GET", "/2015-03-31/functions")["Functions"] == []
        print("ok destroyed", flush=True)
    return 0


sys.exit(main())
