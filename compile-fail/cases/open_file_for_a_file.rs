use fal_client::endpoints::fal_ai::flux::dev::redux::Input;

fn main() -> std::io::Result<()> {
    let _input = Input::builder().image_url(std::fs::File::open("room.png")?);
    Ok(())
}
