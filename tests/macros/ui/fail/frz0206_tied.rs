use freeze_runtime::freeze_policy;

fn main() {
    let _ = freeze_policy! {
        model "../files/tied.model.json";
        start: train head;
        epoch 3: unfreeze embed, set head lr 1e-3;
    };
}
