"""Makes the two buckets where they are missing: DVC's store and MLflow's artifacts; both drop uploads that never ended.

    AWS_ENDPOINT_URL=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… python infra/s3/make_buckets.py

The keys are an administrator's. The servers get keys of their own, with no more rights than the policies beside this
file: who trains may read and add to the store and delete nothing, MLflow's server alone touches the artifacts.
"""

import json
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKETS = ("unimed-store", "unimed-mlflow")


def main() -> int:
    """Says what it made; 1 where the store refuses."""
    client = boto3.client(
        "s3", config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 5})
    )
    rules = json.loads(Path(__file__).with_name("lifecycle.json").read_text())
    for bucket in BUCKETS:
        try:
            there = {found["Name"] for found in client.list_buckets()["Buckets"]}
            if bucket not in there:
                client.create_bucket(Bucket=bucket)
            client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
        except ClientError as error:
            print(f"{bucket}: {error}", file=sys.stderr)
            return 1
        print(f"{bucket}: {'was there' if bucket in there else 'made'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
